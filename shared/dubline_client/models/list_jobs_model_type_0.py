from typing import Literal, cast

ListJobsModelType0 = Literal["1.3b", "14b", "tiny"]

LIST_JOBS_MODEL_TYPE_0_VALUES: set[ListJobsModelType0] = {
    "1.3b",
    "14b",
    "tiny",
}


def check_list_jobs_model_type_0(value: str) -> ListJobsModelType0:
    return cast(ListJobsModelType0, value)
