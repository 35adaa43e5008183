"""What is measured of pictures, mouths and sync, as functions of arrays; nothing here knows data sets or students."""
