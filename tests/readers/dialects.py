"""Files of results as their runners write them, and what they say: (id, outcome, message)."""

from __future__ import annotations

from typing import NamedTuple

from data.rules.readers.junit_habits import UNEXPLAINED

Said = tuple[str, str, str]


class Dialect(NamedTuple):
    """One runner's file."""

    text: str
    said: list[Said]


PYTEST = Dialect(
    """<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="3" failures="2" skipped="2" tests="7" time="1.402" timestamp="2026-01-31T12:00:00.000000+01:00" hostname="ci">
<testcase classname="tests.test_a.TestX" name="test_ok[a-1]" time="0.250"/>
<testcase classname="tests.test_a" name="test_no" time="0.500"><failure message="AssertionError: assert 503 == 200">def test_no():
&gt;       assert 503 == 200
E       AssertionError: assert 503 == 200</failure></testcase>
<testcase classname="tests.test_a" name="test_set" time="0.001"><error message="failed on setup with &quot;ValueError: no database&quot;">text</error></testcase>
<testcase classname="tests.test_a" name="test_skip" time="0.0"><skipped type="pytest.skip" message="not today">x</skipped></testcase>
<testcase classname="tests.test_a" name="test_xfail" time="0.0"><skipped type="pytest.xfail" message="ticket 7"/></testcase>
<testcase classname="" name="tests.test_bad" time="0.0"><error message="collection failure">ImportError</error></testcase>
<testcase classname="tests.test_a" name="test_twice" time="0.1"><failure message="AssertionError: first">x</failure></testcase>
<testcase classname="tests.test_a" name="test_twice" time="0.1"><error message="failed on teardown with &quot;OSError: full&quot;">x</error></testcase>
</testsuite></testsuites>""",
    [
        ("tests.test_a.TestX::test_ok[a-1]", "PASS", ""),
        ("tests.test_a::test_no", "FAIL", "AssertionError: assert 503 == 200"),
        ("tests.test_a::test_set", "ERROR", 'failed on setup with "ValueError: no database"'),
        ("tests.test_a::test_skip", "SKIPPED", "not today"),
        ("tests.test_a::test_xfail", "SKIPPED", "xfail: ticket 7"),
        ("pytest::tests.test_bad", "ERROR", "collection failure"),
        ("tests.test_a::test_twice", "FAIL", "AssertionError: first"),
        ("tests.test_a::test_twice#2", "ERROR", 'failed on teardown with "OSError: full"'),
    ],
)

SUREFIRE = Dialect(
    """<?xml version="1.0" encoding="UTF-8"?>
<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="https://maven.apache.org/surefire/maven-surefire-plugin/xsd/surefire-test-report-3.0.xsd" version="3.0" name="com.acme.ShopTest" time="1,234.5" tests="5" errors="1" skipped="1" failures="1" flakes="1">
  <properties><property name="java.version" value="21"/></properties>
  <testcase name="buys" classname="com.acme.ShopTest" time="1,200.25"><system-out><![CDATA[hello]]></system-out></testcase>
  <testcase name="pays" classname="com.acme.ShopTest" time="0.01">
    <failure message="expected: &lt;200&gt; but was: &lt;503&gt;" type="org.opentest4j.AssertionFailedError"><![CDATA[org.opentest4j.AssertionFailedError: expected: <200> but was: <503>
\tat com.acme.ShopTest.pays(ShopTest.java:12)]]></failure>
    <rerunFailure message="expected: &lt;200&gt; but was: &lt;503&gt;" type="org.opentest4j.AssertionFailedError"><stackTrace>again</stackTrace></rerunFailure>
  </testcase>
  <testcase name="asks" classname="com.acme.ShopTest" time="0.02"><error message="Connection refused" type="java.net.ConnectException">trace</error></testcase>
  <testcase name="later" classname="com.acme.ShopTest" time="0"><skipped message="JIRA-1"/></testcase>
  <testcase name="shaky" classname="com.acme.ShopTest" time="0.3">
    <flakyFailure message="timed out" type="java.util.concurrent.TimeoutException"><stackTrace>t</stackTrace><system-out>noise</system-out></flakyFailure>
  </testcase>
</testsuite>""",
    [
        ("com.acme.ShopTest::buys", "PASS", ""),
        ("com.acme.ShopTest::pays", "FAIL", "AssertionFailedError: expected: <200> but was: <503>"),
        ("com.acme.ShopTest::asks", "ERROR", "ConnectException: Connection refused"),
        ("com.acme.ShopTest::later", "SKIPPED", "JIRA-1"),
        ("com.acme.ShopTest::shaky", "FLAKY", "passed after 1 reruns inside the suite"),
    ],
)

GRADLE = Dialect(
    """<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="com.acme.CartTest" tests="2" skipped="0" failures="1" errors="0" timestamp="2026-01-31T12:00:00" hostname="ci" time="0.5">
  <properties/>
  <testcase name="adds()" classname="com.acme.CartTest" time="0.25"/>
  <testcase name="sums(int)[1]" classname="com.acme.CartTest" time="0.25">
    <failure message="java.lang.IllegalStateException: empty" type="java.lang.IllegalStateException">java.lang.IllegalStateException: empty
\tat com.acme.CartTest.sums(CartTest.java:9)</failure>
  </testcase>
  <system-out><![CDATA[]]></system-out><system-err><![CDATA[]]></system-err>
</testsuite>""",
    [
        ("com.acme.CartTest::adds()", "PASS", ""),
        ("com.acme.CartTest::sums(int)[1]", "FAIL", "java.lang.IllegalStateException: empty"),
    ],
)

JEST = Dialect(
    """<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="jest tests" tests="3" failures="1" errors="0" time="0.9">
  <testsuite name="cart" errors="0" failures="1" skipped="1" timestamp="2026-01-31T12:00:00" time="0.4" tests="3">
    <testcase classname="cart adds" name="cart adds" time="0.005"></testcase>
    <testcase classname="cart sums" name="cart sums" time="0.007"><failure>Error: expect(received).toBe(expected) // Object.is equality
    at Object.toBe (cart.test.js:7:23)</failure></testcase>
    <testcase classname="cart later" name="cart later" time="0"><skipped/></testcase>
  </testsuite>
</testsuites>""",
    [
        ("cart::cart adds", "PASS", ""),
        ("cart::cart sums", "FAIL", "Error: expect(received).toBe(expected) // Object.is equality"),
        ("cart::cart later", "SKIPPED", ""),
    ],
)

PLAYWRIGHT = Dialect(
    """<testsuites id="" name="" tests="3" failures="1" skipped="0" errors="0" time="2.1">
<testsuite name="shop.spec.ts" timestamp="2026-01-31T12:00:00.000Z" hostname="chromium" tests="2" failures="1" skipped="0" time="1.5" errors="0">
<testcase name="cart › buys" classname="shop.spec.ts" time="1.2"></testcase>
<testcase name="cart › pays" classname="shop.spec.ts" time="0.3">
<failure message="shop.spec.ts:9:5 pays" type="FAILURE">
<![CDATA[  [chromium] › shop.spec.ts:9:5 › cart › pays ──────

    Error: expect(locator).toHaveText(expected) failed

    at shop.spec.ts:11:20
]]></failure></testcase></testsuite>
<testsuite name="shop.spec.ts" timestamp="2026-01-31T12:00:00.000Z" hostname="firefox" tests="1" failures="0" skipped="0" time="0.6" errors="0">
<testcase name="cart › buys" classname="shop.spec.ts" time="0.6"></testcase></testsuite>
</testsuites>""",
    [
        ("chromium/shop.spec.ts::cart › buys", "PASS", ""),
        (
            "chromium/shop.spec.ts::cart › pays",
            "FAIL",
            "Error: expect(locator).toHaveText(expected) failed",
        ),
        ("firefox/shop.spec.ts::cart › buys", "PASS", ""),
    ],
)

GOTESTSUM = Dialect(
    """<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="1" errors="0" time="0.42">
\t<testsuite tests="3" failures="1" time="0.42" name="acme.io/shop/cart" timestamp="2026-01-31T12:00:00Z">
\t\t<properties><property name="go.version" value="go1.22"></property></properties>
\t\t<testcase classname="acme.io/shop/cart" name="TestAdd" time="0.010000"></testcase>
\t\t<testcase classname="acme.io/shop/cart" name="TestSum/empty" time="0.020000">
\t\t\t<failure message="Failed" type="">=== RUN   TestSum/empty&#xA;    cart_test.go:17: want 3, got 0&#xA;--- FAIL: TestSum/empty (0.02s)&#xA;</failure>
\t\t</testcase>
\t\t<testcase classname="acme.io/shop/cart" name="TestSkip" time="0.0"><skipped message="=== RUN   TestSkip&#xA;    cart_test.go:20: not today"></skipped></testcase>
\t</testsuite>
</testsuites>""",
    [
        ("acme.io/shop/cart::TestAdd", "PASS", ""),
        ("acme.io/shop/cart::TestSum/empty", "FAIL", "cart_test.go:17: want 3, got 0"),
        ("acme.io/shop/cart::TestSkip", "SKIPPED", "=== RUN   TestSkip"),
    ],
)

DOTNET = Dialect(
    """\ufeff<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="Acme.Tests.dll" tests="3" skipped="1" failures="1" errors="0" time="0.2" timestamp="2026-01-31T12:00:00" hostname="ci" id="0" package="Acme.Tests.dll">
<properties/>
<testcase classname="Acme.CartTests" name="Adds(a: 1, b: 2)" time="0.1"/>
<testcase classname="Acme.CartTests" name="Sums" time="0.1"><failure type="failure" message="Assert.Equal() Failure&#xA;Expected: 3&#xA;Actual: 0">   at Acme.CartTests.Sums() in /src/CartTests.cs:line 9</failure></testcase>
<testcase classname="Acme.CartTests" name="Later" time="0"><skipped/></testcase>
<system-out>Test Framework Informational Messages</system-out><system-err/></testsuite></testsuites>""",
    [
        ("Acme.CartTests::Adds(a: 1, b: 2)", "PASS", ""),
        ("Acme.CartTests::Sums", "FAIL", "Assert.Equal() Failure"),
        ("Acme.CartTests::Later", "SKIPPED", ""),
    ],
)

PHPUNIT = Dialect(
    """<?xml version="1.0" encoding="UTF-8"?>
<testsuites><testsuite name="/src/phpunit.xml" tests="3" assertions="3" errors="0" failures="1" skipped="0" time="0.01">
<testsuite name="unit" tests="3" assertions="3" errors="0" failures="1" skipped="0" time="0.01">
<testsuite name="Acme\\CartTest" file="/src/CartTest.php" tests="3" assertions="3" errors="0" failures="1" skipped="0" time="0.01">
<testcase name="testAdd" file="/src/CartTest.php" line="9" class="Acme\\CartTest" classname="Acme.CartTest" assertions="1" time="0.002"/>
<testsuite name="Acme\\CartTest::testSum" tests="2" assertions="2" errors="0" failures="1" skipped="0" time="0.008">
<testcase name="testSum with data set #0" file="/src/CartTest.php" line="19" class="Acme\\CartTest" classname="Acme.CartTest" assertions="1" time="0.004"/>
<testcase name="testSum with data set #1" file="/src/CartTest.php" line="19" class="Acme\\CartTest" classname="Acme.CartTest" assertions="1" time="0.004"><failure type="PHPUnit\\Framework\\ExpectationFailedException">Acme\\CartTest::testSum with data set #1
Failed asserting that 0 matches expected 3.</failure></testcase>
</testsuite></testsuite></testsuite></testsuite></testsuites>""",
    [
        ("Acme.CartTest::testAdd", "PASS", ""),
        ("Acme.CartTest::testSum with data set #0", "PASS", ""),
        (
            "Acme.CartTest::testSum with data set #1",
            "FAIL",
            "ExpectationFailedException: Failed asserting that 0 matches expected 3.",
        ),
    ],
)

NODE = Dialect(
    """<?xml version="1.0" encoding="utf-8"?>
<testsuites>
\t<testcase name="top" time="0.001" classname="test"/>
\t<testsuite name="group" time="0.002" disabled="0" errors="0" tests="4" failures="1" skipped="2" hostname="vm">
\t\t<testcase name="inner" time="0.001" classname="test"/>
\t\t<testcase name="skipped" time="0.001" classname="test"><skipped type="skipped" message="not today"/></testcase>
\t\t<testcase name="todo" time="0.001" classname="test"><skipped type="todo" message="true"/></testcase>
\t\t<testsuite name="deep" time="0.001" disabled="0" errors="0" tests="1" failures="1" skipped="0" hostname="vm">
\t\t\t<testcase name="x" time="0.001" classname="test" failure="boom"><failure type="testCodeFailure" message="boom">
Error [ERR_TEST_FAILURE]: boom
    at new Promise (&lt;anonymous>)</failure></testcase>
\t\t</testsuite>
\t</testsuite>
\t<!-- tests 5 -->
</testsuites>""",
    [
        ("top", "PASS", ""),
        ("group::inner", "PASS", ""),
        ("group::skipped", "SKIPPED", "not today"),
        ("group::todo", "SKIPPED", "true"),
        ("group > deep::x", "FAIL", "boom"),
    ],
)

CTRF = Dialect(
    """{"reportFormat": "CTRF", "specVersion": "0.0.0", "results": {"tool": {"name": "jest"},
"summary": {"tests": 6, "passed": 3, "failed": 1, "pending": 1, "skipped": 0, "other": 1, "start": 1769860800000, "stop": 1769860801000},
"tests": [{"name": "adds", "suite": "cart", "status": "passed", "duration": 12, "start": 1769860800000, "stop": 1769860800012},
{"name": "sums", "suite": ["cart.test.js", "cart"], "status": "failed", "duration": 3.5, "message": "Error: expected 3\\nmore", "trace": "at cart.test.js:7"},
{"name": "later", "suite": "cart", "status": "pending", "duration": 0},
{"name": "shaky", "suite": "cart", "status": "passed", "flaky": true, "retries": 2, "duration": 9},
{"name": "slow", "filePath": "a/b.spec.ts", "browser": "chromium 120.1", "status": "other", "rawStatus": "timedOut", "message": "Test timeout of 30000ms exceeded."},
{"name": "adds", "suite": "cart", "status": "passed", "duration": 1}],
"environment": {"appName": "shop", "extra": {"tests": [1, 2, {"name": "not a test"}]}}}}""",
    [
        ("cart::adds", "PASS", ""),
        ("cart.test.js > cart::sums", "FAIL", "Error: expected 3"),
        ("cart::later", "SKIPPED", ""),
        ("cart::shaky", "FLAKY", "passed after 2 reruns inside the suite"),
        ("chromium/a/b.spec.ts::slow", "ERROR", "timedOut: Test timeout of 30000ms exceeded."),
        ("cart::adds#2", "PASS", ""),
    ],
)

# Cut from what @playwright/test 1.55.1 writes by `--reporter=json`.
PLAYWRIGHT_JSON = Dialect(
    """{"config": {"configFile": "playwright.config.ts", "projects": [{"id": "chromium", "retries": 1}], "version": "1.55.1", "workers": 1}, "suites": [
{"title": "shop.spec.ts", "file": "shop.spec.ts", "column": 0, "line": 0, "specs": [{"title": "shows its prices", "ok": true, "tags": [], "tests": [{"timeout": 3000, "annotations": [], "expectedStatus": "passed", "projectId": "chromium", "projectName": "chromium", "results": [{"workerIndex": 0, "parallelIndex": 0, "status": "passed", "duration": 250, "errors": [], "stdout": [], "stderr": [], "retry": 0, "startTime": "2026-01-31T12:00:00.100Z", "annotations": [], "attachments": []}], "status": "expected"}], "id": "282c77ed-shows-its-prices", "file": "shop.spec.ts", "line": 3, "column": 1},
{"title": "adds up", "ok": false, "tags": [], "tests": [{"timeout": 3000, "annotations": [], "expectedStatus": "passed", "projectId": "chromium", "projectName": "chromium", "results": [{"workerIndex": 0, "parallelIndex": 0, "status": "failed", "duration": 10, "error": {"message": "Error: \\u001b[2mexpect(\\u001b[22mreceived\\u001b[2m).\\u001b[22mtoBe\\u001b[2m(\\u001b[22mexpected\\u001b[2m)\\u001b[22m", "stack": "Error: \\u001b[2mexpect(\\u001b[22mreceived\\u001b[2m).\\u001b[22mtoBe\\u001b[2m(\\u001b[22mexpected\\u001b[2m)\\u001b[22m\\n    at shop.spec.ts:4:36"}, "errors": [{"message": "Error: \\u001b[2mexpect(\\u001b[22mreceived\\u001b[2m).\\u001b[22mtoBe\\u001b[2m(\\u001b[22mexpected\\u001b[2m)\\u001b[22m", "stack": "Error: \\u001b[2mexpect(\\u001b[22mreceived\\u001b[2m).\\u001b[22mtoBe\\u001b[2m(\\u001b[22mexpected\\u001b[2m)\\u001b[22m\\n    at shop.spec.ts:4:36"}], "stdout": [], "stderr": [], "retry": 0, "startTime": "2026-01-31T12:00:00.100Z", "annotations": [], "attachments": []}, {"workerIndex": 0, "parallelIndex": 0, "status": "failed", "duration": 10, "error": {"message": "Error: \\u001b[2mexpect(\\u001b[22mreceived\\u001b[2m).\\u001b[22mtoBe\\u001b[2m(\\u001b[22mexpected\\u001b[2m)\\u001b[22m", "stack": "Error: \\u001b[2mexpect(\\u001b[22mreceived\\u001b[2m).\\u001b[22mtoBe\\u001b[2m(\\u001b[22mexpected\\u001b[2m)\\u001b[22m\\n    at shop.spec.ts:4:36"}, "errors": [{"message": "Error: \\u001b[2mexpect(\\u001b[22mreceived\\u001b[2m).\\u001b[22mtoBe\\u001b[2m(\\u001b[22mexpected\\u001b[2m)\\u001b[22m", "stack": "Error: \\u001b[2mexpect(\\u001b[22mreceived\\u001b[2m).\\u001b[22mtoBe\\u001b[2m(\\u001b[22mexpected\\u001b[2m)\\u001b[22m\\n    at shop.spec.ts:4:36"}], "stdout": [], "stderr": [], "retry": 1, "startTime": "2026-01-31T12:00:00.100Z", "annotations": [], "attachments": []}], "status": "unexpected"}], "id": "282c77ed-adds-up", "file": "shop.spec.ts", "line": 3, "column": 1},
{"title": "waits for ever", "ok": false, "tags": [], "tests": [{"timeout": 3000, "annotations": [], "expectedStatus": "passed", "projectId": "chromium", "projectName": "chromium", "results": [{"workerIndex": 0, "parallelIndex": 0, "status": "timedOut", "duration": 302, "error": {"message": "\\u001b[31mTest timeout of 300ms exceeded.\\u001b[39m", "stack": "\\u001b[31mTest timeout of 300ms exceeded.\\u001b[39m\\n    at shop.spec.ts:4:36"}, "errors": [{"message": "\\u001b[31mTest timeout of 300ms exceeded.\\u001b[39m", "stack": "\\u001b[31mTest timeout of 300ms exceeded.\\u001b[39m\\n    at shop.spec.ts:4:36"}], "stdout": [], "stderr": [], "retry": 0, "startTime": "2026-01-31T12:00:00.100Z", "annotations": [], "attachments": []}], "status": "unexpected"}], "id": "282c77ed-waits-for-ever", "file": "shop.spec.ts", "line": 3, "column": 1},
{"title": "later", "ok": true, "tags": [], "tests": [{"timeout": 3000, "annotations": [{"type": "fixme", "description": "ticket 7"}], "expectedStatus": "skipped", "projectId": "chromium", "projectName": "chromium", "results": [{"workerIndex": 0, "parallelIndex": 0, "status": "skipped", "duration": 0, "errors": [], "stdout": [], "stderr": [], "retry": 0, "startTime": "2026-01-31T12:00:00.100Z", "annotations": [], "attachments": []}], "status": "skipped"}], "id": "282c77ed-later", "file": "shop.spec.ts", "line": 3, "column": 1},
{"title": "never began", "ok": true, "tags": [], "tests": [{"timeout": 3000, "annotations": [], "expectedStatus": "passed", "projectId": "chromium", "projectName": "chromium", "results": [{"workerIndex": -1, "parallelIndex": 0, "status": "skipped", "duration": 0, "errors": [], "stdout": [], "stderr": [], "retry": 0, "startTime": "2026-01-31T12:00:00.100Z", "annotations": [], "attachments": []}], "status": "skipped"}], "id": "282c77ed-never-began", "file": "shop.spec.ts", "line": 3, "column": 1},
{"title": "known bug", "ok": true, "tags": [], "tests": [{"timeout": 3000, "annotations": [{"type": "fail", "description": "ticket 12"}], "expectedStatus": "failed", "projectId": "chromium", "projectName": "chromium", "results": [{"workerIndex": 0, "parallelIndex": 0, "status": "failed", "duration": 10, "error": {"message": "Error: 12", "stack": "Error: 12\\n    at shop.spec.ts:4:36"}, "errors": [{"message": "Error: 12", "stack": "Error: 12\\n    at shop.spec.ts:4:36"}], "stdout": [], "stderr": [], "retry": 0, "startTime": "2026-01-31T12:00:00.100Z", "annotations": [], "attachments": []}], "status": "expected"}], "id": "282c77ed-known-bug", "file": "shop.spec.ts", "line": 3, "column": 1},
{"title": "repaired bug", "ok": false, "tags": [], "tests": [{"timeout": 3000, "annotations": [{"type": "fail"}], "expectedStatus": "failed", "projectId": "chromium", "projectName": "chromium", "results": [{"workerIndex": 0, "parallelIndex": 0, "status": "passed", "duration": 10, "errors": [], "stdout": [], "stderr": [], "retry": 0, "startTime": "2026-01-31T12:00:00.100Z", "annotations": [], "attachments": []}], "status": "unexpected"}], "id": "282c77ed-repaired-bug", "file": "shop.spec.ts", "line": 3, "column": 1}], "suites": [
{"title": "cart", "file": "shop.spec.ts", "line": 5, "column": 6, "specs": [{"title": "keeps tea", "ok": true, "tags": [], "tests": [{"timeout": 3000, "annotations": [], "expectedStatus": "passed", "projectId": "chromium", "projectName": "chromium", "results": [{"workerIndex": 0, "parallelIndex": 0, "status": "failed", "duration": 10, "error": {"message": "Error: gone", "stack": "Error: gone\\n    at shop.spec.ts:4:36"}, "errors": [{"message": "Error: gone", "stack": "Error: gone\\n    at shop.spec.ts:4:36"}], "stdout": [], "stderr": [], "retry": 0, "startTime": "2026-01-31T12:00:00.100Z", "annotations": [], "attachments": []}, {"workerIndex": 0, "parallelIndex": 0, "status": "passed", "duration": 10, "errors": [], "stdout": [], "stderr": [], "retry": 1, "startTime": "2026-01-31T12:00:00.100Z", "annotations": [], "attachments": []}], "status": "flaky"}], "id": "282c77ed-keeps-tea", "file": "shop.spec.ts", "line": 3, "column": 1}], "suites": [
{"title": "empty", "file": "shop.spec.ts", "line": 6, "column": 6, "specs": [{"title": "is empty", "ok": true, "tags": [], "tests": [{"timeout": 3000, "annotations": [], "expectedStatus": "passed", "projectId": "webkit", "projectName": "webkit", "results": [{"workerIndex": 0, "parallelIndex": 0, "status": "passed", "duration": 10, "errors": [], "stdout": [], "stderr": [], "retry": 0, "startTime": "2026-01-31T12:00:00.100Z", "annotations": [], "attachments": []}], "status": "expected"}], "id": "282c77ed-is-empty", "file": "shop.spec.ts", "line": 3, "column": 1}]}]}]}], "errors": [], "stats": {"startTime": "2026-01-31T12:00:00.000Z", "duration": 2500.5, "expected": 3, "skipped": 2, "unexpected": 3, "flaky": 1}}""",
    [
        ("chromium/shop.spec.ts::shows its prices", "PASS", ""),
        ("chromium/shop.spec.ts::adds up", "FAIL", "Error: expect(received).toBe(expected)"),
        ("chromium/shop.spec.ts::waits for ever", "FAIL", "Test timeout of 300ms exceeded."),
        ("chromium/shop.spec.ts::later", "SKIPPED", "ticket 7"),
        ("chromium/shop.spec.ts::never began", "NOT_RUN", UNEXPLAINED),
        ("chromium/shop.spec.ts::known bug", "SKIPPED", "xfail: ticket 12"),
        ("chromium/shop.spec.ts::repaired bug", "FAIL", "expected to fail, but passed"),
        (
            "chromium/shop.spec.ts::cart › keeps tea",
            "FLAKY",
            "passed after 1 reruns inside the suite",
        ),
        ("webkit/shop.spec.ts::cart › empty › is empty", "PASS", ""),
    ],
)

JUNIT = {
    "pytest": PYTEST,
    "surefire": SUREFIRE,
    "gradle": GRADLE,
    "jest": JEST,
    "playwright": PLAYWRIGHT,
    "gotestsum": GOTESTSUM,
    "dotnet": DOTNET,
    "phpunit": PHPUNIT,
    "node": NODE,
}
ALL = {
    **{name: ("junit", d) for name, d in JUNIT.items()},
    "ctrf": ("ctrf", CTRF),
    "playwright-json": ("playwright", PLAYWRIGHT_JSON),
}
