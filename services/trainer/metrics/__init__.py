"""What is measured of pictures, mouths and sync, and the rules that judge it; nothing here knows data sets or students."""
