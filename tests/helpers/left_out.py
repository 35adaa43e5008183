"""Which of the documents' commands are not run, and why: what they name is there all the same."""

from commands import DOCUMENTS, Shown, commands

# The beginnings of commands that are not run here, and why.
LEFT_OUT = {
    "make test": "it is what runs this",
    "make demo": "two minutes, and a stack of its own in the checkout; test_dub_end_to_end.py dubs",
    "make unit": "minutes; CI runs it",
    "make integration": "minutes; CI runs it",
    "make e2e": "it is what runs the others",
    "make model": "minutes; CI runs it",
    "make train-whole": "minutes; tests/unit/services/trainer/encoders and test_training_chain.py run its parts",
    "make examples": "it changes the checkout; tests/integration/core/test_api_examples.py compares",
    "pip install ./shared/dubline_client": "it changes .venv; tests/unit/dubline_client/test_generated.py installs elsewhere",
    "npx openapi-typescript": "it needs the npm registry; tests/unit/dubline_client/test_generated.py writes the same types",
    "make fuzz": "minutes; tests/integration/core/test_api_fuzzed.py draws fewer",
    "make up": "the stack runs already; tests/integration/test_local_stack.py starts one",
    "make check": "minutes; CI runs it",
    "make fmt": "it changes the checkout",
    "make bench-": "minutes on an idle machine; tests/model/test_benchmarks.py runs the programs briefly",
    "benchmarks/": "hours on a GPU; tests/model/test_benchmarks.py rehearses it",
    "python benchmarks/": "minutes, or a GPU; tests/model/test_benchmarks.py runs the programs briefly",
    "python -m studies.": "hours; tests/unit/studies/test_ablation.py runs a small one",
    "dubline analyse-trajectory": "minutes, and it needs a trained teacher; tests/unit/services/trainer/evaluation is about it",
    "dubline evaluate": "minutes; tests/unit/services/trainer/evaluation is about it",
    "dubline data prepare": "it needs footage; tests/unit/services/trainer/footage is about it",
    "make tensorboard": "a server without an end; tests/unit/services/trainer/service/test_event_files.py reads what it shows",
    "dubline train make": "an hour; tests/integration/test_training_chain.py runs a small one",
    "dubline train alone": "hours on a GPU; tests/integration/test_training_chain.py runs a small one",
    "dubline train adopt": "it needs the runs of another machine; tests/integration/test_training_chain.py adopts some",
    "dubline train publish": "it changes what is served; tests/integration/test_training_publish.py publishes",
    "dubline train start df_tiny --set start=": "it needs a finished run; tests/integration/test_training_chain.py has one",
    "dubline train recipes": "a trainer must have told them; test_training_chain.py starts one",
    "dubline train watch": "it needs a run; test_training_chain.py watches one",
    "DUBLINE_TRAINER_ENABLED=true dubline up": "trainers of a gigabyte each; test_training_chain.py starts them",
    "DUBLINE_TRAINER_GATE_DATA=": "a variable, not a command",
    "export DUBLINE_": "variables, not commands",
    "dubline weights": "gigabytes from elsewhere; tests/unit/lipforcing/weights imports made ones",
    "dubline down && dubline up": "a minute; tests/integration/test_local_stack.py stops and starts",
    ".venv/bin/alembic upgrade head": "the system's tables are there; every start of a stack migrates",
    ".venv/bin/python -m services.api roles": "a stack does it by itself; tests/integration/core/test_row_security.py runs it",
    "docker compose": "it needs Docker; tests/repo/test_images.py reads what it describes",
    "dmesg": "on most machines only root may read it",
}
SHOWN = [shown for path in DOCUMENTS for shown in commands(path)]


def reason(shown: Shown) -> str | None:
    """Why a command is not run; None for one that is."""
    return next((why for start, why in LEFT_OUT.items() if shown.text.startswith(start)), None)
