"""Does removing training samples do what their influence says?"""

from explaind.experiments.leave_group_out.settings import LeaveGroupOutSettings
from explaind.experiments.spec import Computed, Spec

SPEC = Spec(
    name="leave_group_out",
    title="Without groups of samples",
    summary="Train without groups of training samples, and compare what changes with what their "
    "influence predicts.",
    settings=LeaveGroupOutSettings,
    computed=Computed(reads=("dataset", "history"), trains=True, minutes=480),
)
