from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from airflow_provider_cloudfn.auth.token_store import PROCESS_TOKENS, AccessToken

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "0123456789abcdef" * 4


def exit_status_of_a_child(is_right: Callable[[], bool]) -> int:
    child = os.fork()
    if child == 0:
        status = 2
        try:
            status = 0 if is_right() else 1
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_forked_process_does_not_wait_for_a_thread_that_it_does_not_have() -> None:
    taken, over = threading.Event(), threading.Event()

    def fetch() -> None:
        lock = PROCESS_TOKENS.lock(KEY)
        lock.try_acquire()
        taken.set()
        over.wait()
        lock.release()

    thread = threading.Thread(target=fetch)
    thread.start()
    try:
        assert taken.wait(10)
        assert exit_status_of_a_child(lambda: PROCESS_TOKENS.lock(KEY).try_acquire()) == 0
        assert not PROCESS_TOKENS.lock(KEY).try_acquire(), "in this process the thread still has it"
    finally:
        over.set()
        thread.join()


def test_a_forked_process_keeps_the_tokens() -> None:
    PROCESS_TOKENS.put(KEY, AccessToken("t1"))
    try:
        assert exit_status_of_a_child(lambda: PROCESS_TOKENS.get(KEY) == AccessToken("t1")) == 0
    finally:
        PROCESS_TOKENS.forget(KEY, AccessToken("t1"))
