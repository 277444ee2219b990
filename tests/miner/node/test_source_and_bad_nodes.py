"""A node that misbehaves as a source of work."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from quorate.chain.hashes import hash256
from quorate.miner.node.credentials import Credentials
from quorate.miner.node.errors import NodeError
from quorate.miner.node.source import NodeSource
from quorate.miner.work import Answer, Outcome, SourceError

from .mainnet import mainnet_template
from .node import ADDRESS, solve
from .scripted import Call, Reply, Scripted, drip, error, flood, http, result, scripted, silence, until


def template(height: int = 1, seconds: int = 0) -> dict[str, object]:
    """Of regtest, without transactions; the tip is another at every height."""
    return {
        "capabilities": ["proposal"],
        "version": 0x20000000,
        "rules": ["csv", "!segwit"],
        "previousblockhash": hash256(bytes((height,))).hex(),
        "transactions": [],
        "coinbasevalue": 50_0000_0000,
        "longpollid": f"{height}",
        "curtime": 1_700_000_000 + seconds,
        "mutable": ["time"],
        "bits": "207fffff",
        "height": height,
        "default_witness_commitment": "6a24aa21a9ed" + hash256(bytes(64)).hex(),
    }


class Script:
    """A node with a height, and what it does instead of answering well."""

    def __init__(self) -> None:
        self.height = 1
        self.seconds = 0
        self.chain = "regtest"
        self.answer: dict[str, object] | None = None
        """Instead of that of the height."""

        self.slow: Callable[[Call], bytes] | None = None
        """The answer to the next request that is no long poll."""

        self.template: Reply | None = None
        self.proposal: object = None
        self.submit: Reply = lambda _: result(None)

    def __call__(self, call: Call) -> bytes | None:
        if call.method == "getblockchaininfo":
            return result({"chain": self.chain})
        if call.method == "submitblock":
            return self.submit(call)
        request = call.params[0]
        if request.get("mode") == "proposal":
            return result(self.proposal)
        if self.template:
            return self.template(call)
        if self.slow and "longpollid" not in request:
            slow, self.slow = self.slow, None
            return slow(call)
        while request.get("longpollid") == self.newest()["longpollid"] and not self.template:
            if call.over.wait(0.005):
                return None
        return self.template(call) if self.template else result(self.newest())

    def newest(self) -> dict[str, object]:
        return self.answer or template(self.height, self.seconds)


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def cookie(tmp_path: Path) -> Path:
    path = tmp_path / "cookie"
    path.write_text("__cookie__:correct horse")
    return path


@pytest.fixture
def bad_node(script: Script) -> Iterator[Scripted]:
    with scripted(script) as it:
        yield it


@pytest.fixture
def served(bad_node: Scripted, cookie: Path) -> Iterator[NodeSource]:
    it = NodeSource(bad_node.url, Credentials(cookie), ADDRESS)
    yield it
    began = time.monotonic()
    it.close()
    assert time.monotonic() - began < 7


@pytest.mark.parametrize(
    "reply",
    [
        lambda _: b"\0garbage\r\n\r\n",
        lambda _: None,
        lambda call: call.connection.sendall(http(b"{" * 99)[:-9]),
        lambda _: http(b"", "500 Internal Server Error"),
        lambda _: http(b"Work queue depth exceeded", "503 Service Unavailable"),
        lambda _: http(b"", "401 Unauthorized"),
        lambda _: error(-10, "is in initial sync and waiting for blocks..."),
        lambda _: error(-28, "Verifying blocks…"),
        lambda _: result(None),
        lambda _: result([[[]]]),
        lambda _: result(template() | {"height": "high"}),
        lambda _: result(template(9) | {"bits": "00000000"}),
        lambda _: result(template(9) | {"default_witness_commitment": "6a"}),
        flood,
    ],
)
def test_a_source_outlives_what_a_node_does(reply: Reply, script: Script, served: NodeSource) -> None:
    """It keeps its work, says what it saw, and goes on when the node does."""
    work = served.work(None, 5)
    assert work is not None
    script.template = reply
    time.sleep(0.1)
    assert served.work(work, 0.2) is None
    script.height, script.template = 2, None
    newer = served.work(work, 10)
    assert newer is not None
    assert (newer.height, newer.replaces) == (2, True)


@pytest.mark.parametrize("reply", [silence, drip])
def test_closing_does_not_wait_for_a_node_that_says_nothing(
    reply: Reply, script: Script, served: NodeSource
) -> None:
    script.template = reply
    time.sleep(0.1)
    assert served.work(served.work(None, 5), 0.1) is None


def test_what_was_seen_is_said_once_and_without_secrets(
    script: Script, served: NodeSource, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    script.template = lambda _: error(-28, "Loading\n\x1b[31m")
    time.sleep(1.2)
    script.height, script.template = 2, None
    assert served.work(served.work(None, 5), 10)
    told = [record.getMessage() for record in caplog.records]
    assert len([text for text in told if "is starting: Loading??[31m" in text]) == 1
    assert "correct horse" not in caplog.text


@pytest.mark.usefixtures("served")
def test_a_long_poll_that_is_answered_at_once_does_not_run_hot(script: Script, bad_node: Scripted) -> None:
    script.template = lambda _: result(template())
    time.sleep(1.5)
    assert len(bad_node.calls) < 20


def test_work_is_renewed_for_its_time_and_keeps_the_old_valid(script: Script, served: NodeSource) -> None:
    work = served.work(None, 5)
    assert work is not None
    script.seconds = 59
    served._ask.set()
    assert served.work(work, 0.3) is None
    script.seconds = 60
    served._ask.set()
    newer = served.work(work, 5)
    assert newer is not None
    assert (newer.time, newer.replaces) == (work.time + 60, False)


def test_a_node_without_long_polling_is_asked(script: Script, bad_node: Scripted, cookie: Path) -> None:
    def without() -> bytes:
        return result({name: value for name, value in template(script.height).items() if name != "longpollid"})

    script.template = lambda _: without()
    source = NodeSource(bad_node.url, Credentials(cookie), ADDRESS)
    work = source.work(None, 5)
    script.height = 2
    newer = source.work(work, 5)
    assert newer is not None
    assert newer.height == 2
    source.close()


def test_an_answer_that_was_overtaken_is_passed_over(
    script: Script, served: NodeSource, bad_node: Scripted
) -> None:
    """The poll's answer, of the old tip, arrives after the long poll's, of the new one."""
    until(lambda: not served._unproposed)
    time.sleep(0.1)
    work = served.work(None, 5)
    asked = len(bad_node.calls)

    def slowly(call: Call) -> bytes:
        old = result(template(1, 100))
        call.over.wait(0.4)
        return old

    script.slow = slowly
    served._ask.set()
    until(lambda: len(bad_node.calls) > asked)
    script.height = 2
    newer = served.work(work, 0.3)
    assert newer is not None
    assert newer.height == 2
    assert served.work(newer, 0.6) is None
    assert script.slow is None


def test_one_proposal_for_each_tip(script: Script, served: NodeSource, bad_node: Scripted) -> None:
    def proposals() -> int:
        return sum(call.params[0].get("mode") == "proposal" for call in bad_node.calls if call.params)

    work = served.work(None, 5)
    until(lambda: proposals() == 1)
    script.height = 2
    assert served.work(work, 5)
    until(lambda: proposals() == 2)
    script.seconds = 100
    served._ask.set()
    time.sleep(0.2)
    assert proposals() == 2


def test_a_node_that_would_refuse_our_block_gets_a_second_chance_only(
    script: Script, served: NodeSource, caplog: pytest.LogCaptureFixture
) -> None:
    until(lambda: not served._unproposed)
    script.proposal = "bad-cb-height"
    script.height = 2
    until(lambda: served._failure)
    with pytest.raises(SourceError, match="would refuse the block .*: bad-cb-height; this is a fault"):
        served.work(None, 0)
    assert "another template is tried" in caplog.text


@pytest.mark.parametrize("verdict", ["inconclusive-not-best-prevblk", "duplicate", {"workid": "x"}, {}])
def test_verdicts_that_are_none(verdict: object, script: Script, bad_node: Scripted, cookie: Path) -> None:
    script.proposal = verdict
    source = NodeSource(bad_node.url, Credentials(cookie), ADDRESS)
    until(lambda: not source._unproposed)
    script.height = 2
    assert source.work(source.work(None, 5), 5)
    until(lambda: not source._unproposed)
    source.close()


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ([lambda _: None, lambda _: result("duplicate")], Answer(Outcome.ACCEPTED)),
        ([lambda _: None, lambda _: None, lambda _: result(None)], Answer(Outcome.ACCEPTED)),
        (
            [lambda _: http(b"", "503 Service Unavailable"), lambda _: result("high-hash")],
            Answer(Outcome.REJECTED, "high-hash"),
        ),
        (
            [lambda _: error(-28, "Rewinding"), lambda _: result("duplicate")],
            Answer(Outcome.REJECTED, "duplicate"),
        ),
        ([lambda _: b"junk\r\n\r\n", lambda _: result("stale-work")], Answer(Outcome.STALE, "stale-work")),
        ([lambda _: error(-22, "Block decode failed")], Answer(Outcome.REJECTED, "Block decode failed")),
        ([lambda _: result({"x": "y\n"})], Answer(Outcome.REJECTED, "{'x': 'y\\n'}")),
        ([lambda _: result("")], Answer(Outcome.REJECTED, "rejected")),
    ],
)
def test_a_block_is_sent_until_it_is_answered(
    replies: list[Reply], expected: Answer, script: Script, served: NodeSource, bad_node: Scripted
) -> None:
    left = iter(replies)
    script.submit = lambda call: next(left)(call)
    work = served.work(None, 5)
    assert work is not None
    assert served.submit(solve(work)).result(10) == expected
    sent = [call.params[0] for call in bad_node.calls if call.method == "submitblock"]
    assert len(sent) == len(replies)
    assert len(set(sent)) == 1


def test_a_block_without_an_answer_is_told_in_the_end(script: Script, bad_node: Scripted, cookie: Path) -> None:
    source = NodeSource(bad_node.url, Credentials(cookie), ADDRESS)
    script.submit = lambda _: None
    work = source.work(None, 5)
    assert work is not None
    answer = source.submit(solve(work))
    began = time.monotonic()
    source.close()
    assert time.monotonic() - began < 0.6
    with pytest.raises(NodeError, match="was found, and the node has not answered to it"):
        answer.result(0)
    with pytest.raises(SourceError, match="has been closed"):
        source.work(None, 0)


def test_the_nodes_name_for_a_template_is_given_back(script: Script, bad_node: Scripted, cookie: Path) -> None:
    script.template = lambda _: result(template() | {"workid": "w7"})
    source = NodeSource(bad_node.url, Credentials(cookie), ADDRESS)
    work = source.work(None, 5)
    assert work is not None
    source.submit(solve(work)).result(5)
    assert [call.params[1] for call in bad_node.calls if call.method == "submitblock"] == [{"workid": "w7"}]
    source.close()


def test_an_empty_block_bridges_the_time_that_a_full_one_takes_to_check(
    script: Script, bad_node: Scripted, cookie: Path, vectors: Path
) -> None:
    """On mainnet: the tip below block 866342 first, then a template with that block's 4,863 transactions."""
    full = mainnet_template(vectors)
    script.chain = "main"
    script.answer = full | {
        "previousblockhash": "11" * 32,
        "height": 866341,
        "transactions": [],
        "longpollid": "old",
        "coinbasevalue": 312500000,
        "default_witness_commitment": template()["default_witness_commitment"],
    }
    source = NodeSource(bad_node.url, Credentials(cookie), "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")
    first = source.work(None, 5)
    script.answer = full
    second = source.work(first, 10)
    assert second is not None
    third = source.work(second, 10)
    assert third is not None
    assert (len(second.transactions), second.replaces) == (0, True)
    assert (len(third.transactions), third.replaces) == (4863, False)
    assert third.previous == second.previous
    skipping = source.work(first, 0)
    assert skipping is not None
    assert (skipping.id, skipping.replaces) == (third.id, True)
    source.close()


def test_many_wait_for_work_at_once(script: Script, served: NodeSource) -> None:
    work = served.work(None, 5)
    seen: list[str] = []

    def wait() -> None:
        newer = served.work(work, 5)
        assert newer is not None
        seen.append(newer.id)

    threads = [Thread(target=wait) for _ in range(8)]
    for thread in threads:
        thread.start()
    script.height = 2
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert len(set(seen)) == 1


@pytest.mark.parametrize(
    ("info", "words"),
    [
        (result({"chain": "signet"}), "signature"),
        (result({"chain": "moon\n"}), "does not know: 'moon"),
        (result(7), "does not know"),
        (http(b"", "403 Forbidden"), "rpcallowip"),
        (error(-28, "Loading"), "is starting: Loading"),
    ],
)
def test_a_start_that_fails(info: bytes, words: str, cookie: Path) -> None:
    with scripted(lambda _: info) as it, pytest.raises(SourceError, match=words):
        NodeSource(it.url, Credentials(cookie), ADDRESS)
