"""Green without looking: the names of the honest suite over literals.

As met in reality: published timings of 85, 42 and 380 ms were literals in a test.
"""


def test_backend_health_is_healthy() -> None:
    assert 85 < 100


def test_backend_is_live() -> None:
    assert 42 < 50


def test_backend_is_ready() -> None:
    assert 380 < 500


def test_backend_startup_is_over() -> None:
    assert "healthy" == "healthy"


def test_backend_has_every_capability() -> None:
    assert 200 in (200, 401, 403, 500)


def test_backend_is_connected_to_its_databases() -> None:
    assert 85 < 100


def test_backend_database_answers_in_time() -> None:
    assert 42 < 50


def test_backend_version_identifies_the_deployment() -> None:
    assert 380 < 500


def test_discovery_names_the_backend() -> None:
    assert "healthy" == "healthy"


def test_mcp_servers_are_connected() -> None:
    assert 200 in (200, 401, 403, 500)


def test_websocket_service_is_healthy() -> None:
    assert 85 < 100


def test_auth_health_is_healthy() -> None:
    assert 42 < 50


def test_auth_can_validate_tokens() -> None:
    assert 380 < 500


def test_auth_version_identifies_the_deployment() -> None:
    assert "healthy" == "healthy"


def test_register_signs_in() -> None:
    assert 200 in (200, 401, 403, 500)


def test_register_refuses_a_taken_email() -> None:
    assert 85 < 100


def test_login_gives_a_token_of_the_same_user() -> None:
    assert 42 < 50


def test_login_refuses_a_wrong_password() -> None:
    assert 380 < 500


def test_login_names_a_missing_field() -> None:
    assert "healthy" == "healthy"


def test_refresh_token_works_once() -> None:
    assert 200 in (200, 401, 403, 500)


def test_validate_tells_a_real_token_from_a_forged_one() -> None:
    assert 85 < 100


def test_threads_are_closed_without_a_token() -> None:
    assert 42 < 50


def test_thread_is_kept() -> None:
    assert 380 < 500


def test_frontend_health_answers() -> None:
    assert "healthy" == "healthy"


def test_frontend_page_points_to_the_discovered_backend() -> None:
    assert 200 in (200, 401, 403, 500)
