"""Failed assertions of the modules that test modules share are explained as fully as their own."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("bluetooth_vm.promises", "bluetooth_vm.recorded")
