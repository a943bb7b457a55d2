"""docker-compose.yaml, Dockerfile and .env.example: valid, complete, and without an unsafe default."""

import json
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?:(:?[-?])([^{}]*))?\}")
SECRET = re.compile(r"PASSWORD|SECRET|_KEY$")
ONE_SHOT = {"init"}
AIRFLOW_SERVICES = {"init", "api-server", "scheduler", "dag-processor", "triggerer", "status"}
SHARED_SECRETS = ("AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__API__SECRET_KEY", "AIRFLOW__CORE__FERNET_KEY")

TEXT = (PROJECT / "docker-compose.yaml").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]


def without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def example() -> dict[str, str]:
    """The variables of .env.example."""
    return dict(re.findall(r"^(\w+)=(.*)$", (PROJECT / ".env.example").read_text(), re.MULTILINE))


@pytest.fixture(scope="module")
def schema() -> dict:
    pytest.importorskip("check_jsonschema", reason="it carries the compose specification's schema")
    file = resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    return json.loads(file.read_text())


@pytest.fixture(scope="module")
def airflow_options() -> dict[str, list[str]]:
    """Every option of the installed Airflow and its providers, asked for in a process of its own."""
    code = """
import json
from airflow.configuration import conf
conf.load_providers_configuration()
options = {section: list(conf.configuration_description[section]["options"])
           for section in conf.configuration_description}
print(json.dumps(options))
"""
    asked = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    return json.loads(asked.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def airflow_parser():
    from airflow.cli.cli_parser import get_parser

    return get_parser()


def test_compose_file_is_of_the_compose_specification(schema):
    import jsonschema

    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(COMPOSE)] == []


def test_specification_refuses_what_it_does_not_know(schema):
    import jsonschema

    validator = jsonschema.validators.validator_for(schema)(schema)
    assert not validator.is_valid({"services": {"postgres": {"image": "postgres", "healthchek": {}}}})


def test_services_are_those_of_the_design():
    assert set(SERVICES) == AIRFLOW_SERVICES | {"postgres"}


def test_every_variable_is_in_the_example_and_none_is_idle():
    assert {name for name, _, _ in VARIABLE.findall(without_comments(TEXT))} == set(example())


def test_no_variable_is_used_without_a_default_or_a_refusal():
    bare = [name for name, kind, _ in VARIABLE.findall(without_comments(TEXT)) if kind not in (":-", ":?")]
    assert bare == []
    # $${X} is left to the shell in the container; anything else with one dollar would be compose's
    assert re.findall(r"(?<!\$)\$(?![{$])", without_comments(TEXT)) == []


def test_no_secret_has_a_default_and_each_says_how_it_is_made():
    for name, kind, rest in VARIABLE.findall(TEXT):
        if SECRET.search(name):
            assert kind == ":?", name
            assert "openssl rand" in rest, name
    names = {name for name, _, _ in VARIABLE.findall(TEXT)}
    assert sum(bool(SECRET.search(name)) for name in names) == 8


def test_example_has_no_value_for_a_secret_and_the_same_defaults_as_the_compose_file():
    defaults = {name: rest for name, kind, rest in VARIABLE.findall(TEXT) if kind == ":-"}
    assert {name: value for name, value in example().items() if value} == defaults
    assert all(not value for name, value in example().items() if SECRET.search(name))


def test_example_explains_each_variable():
    lines = (PROJECT / ".env.example").read_text().split("\n\n")
    for block in lines:
        if re.search(r"^\w+=", block, re.MULTILINE):
            assert block.startswith("# "), block


def test_no_literal_secret_stands_in_the_environment():
    for service, content in SERVICES.items():
        for name, value in content["environment"].items():
            if SECRET.search(name):
                assert re.fullmatch(r"\$\{\w+:\?[^{}]*\}", value), f"{service}: {name}"


@pytest.mark.parametrize("secret", SHARED_SECRETS)
def test_airflow_services_share_each_secret(secret):
    values = {SERVICES[service]["environment"][secret] for service in AIRFLOW_SERVICES}
    assert len(values) == 1


def test_tasks_find_the_api_server_by_its_service_name():
    for service in AIRFLOW_SERVICES:
        url = SERVICES[service]["environment"]["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"]
        assert url == "http://api-server:8080/execution/"


def test_every_lasting_service_has_a_health_check_and_comes_back():
    for name in set(SERVICES) - ONE_SHOT:
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD", name
        assert SERVICES[name]["restart"] == "unless-stopped", name


def test_the_age_of_the_segments_is_a_health_check(monkeypatch):
    from segmentation import cli
    from segmentation.operations import status
    from segmentation.runs import connections

    test = SERVICES["status"]["healthcheck"]["test"]
    assert test[:5] == ["CMD", "python", "-m", "segmentation", "status"]
    asked = {}
    monkeypatch.setattr(connections, "database", lambda _: None)
    monkeypatch.setattr(status, "tell", lambda *_, **options: asked.update(options) or status.OLD)
    assert cli.main(test[4:]) == status.OLD
    assert asked == {"quiet": True, "new_is_fine": True}


def test_init_is_awaited_by_its_end_and_postgres_by_its_health():
    assert SERVICES["init"]["restart"] == "no"
    for name in AIRFLOW_SERVICES:
        depends = SERVICES[name]["depends_on"]
        assert depends["postgres"]["condition"] == "service_healthy", name
        if name not in ONE_SHOT:
            assert depends["init"]["condition"] == "service_completed_successfully", name
    assert SERVICES["scheduler"]["depends_on"]["api-server"]["condition"] == "service_healthy"


def test_no_service_runs_as_root_or_may_become_it():
    for name, service in SERVICES.items():
        assert str(service["user"]).split(":")[0] not in ("", "0", "root"), name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert not service.get("privileged"), name


def test_containers_are_read_only_and_bounded_in_memory_processes_and_logs():
    for name, service in SERVICES.items():
        assert service["read_only"] is True, name
        assert service["tmpfs"][0].startswith("/tmp:"), name  # noqa: S108
        assert VARIABLE.fullmatch(service["mem_limit"]) and service["pids_limit"] <= 512, name
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}, name
    # what Airflow would write into the image, with the secrets of its environment
    assert "touch /opt/airflow/airflow.cfg" in (PROJECT / "Dockerfile").read_text()


def test_images_can_be_pinned_by_their_digest():
    dockerfile = (PROJECT / "Dockerfile").read_text()
    assert re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE) == ["$PYTHON_IMAGE"] * 2
    told = dict(re.findall(r"^ARG (\w+)=(\S+)", dockerfile, re.MULTILINE))
    arguments = SERVICES["scheduler"]["build"]["args"]
    assert arguments["PYTHON_IMAGE"] == f"${{PYTHON_IMAGE:-{told['PYTHON_IMAGE']}}}"
    assert SERVICES["postgres"]["image"] == "${POSTGRES_IMAGE:-postgres:18}"


def test_no_server_of_logs_is_started_and_the_database_logs_no_value():
    for service in ("scheduler", "triggerer"):
        assert SERVICES[service]["command"][-1] == "--skip-serve-logs"
    options = [part for part in SERVICES["postgres"]["command"] if "=" in part]
    assert {"log_min_messages=log", "log_error_verbosity=terse", "log_parameter_max_length=0"} <= set(options)
    from segmentation.local import postgres

    local = dict(line.split(" = ") for line in postgres.CONF.splitlines() if line.startswith("log_"))
    for name, value in (option.split("=") for option in options if option.startswith("log_")):
        assert local[name] == value, "the embedded server and that of compose say the same"


def test_init_migrates_by_a_command_that_is_there():
    from typer.testing import CliRunner

    from segmentation import cli

    steps = SERVICES["init"]["command"][-1].splitlines()
    (step,) = [step.split() for step in steps if step.startswith("python -m segmentation")]
    assert CliRunner().invoke(cli.app, [*step[3:], "--help"]).exit_code == 0


def test_ports_are_open_on_this_machine_only():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_volumes_are_declared_and_mounted_files_exist():
    for name, service in SERVICES.items():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (PROJECT / source).is_file(), f"{name}: {volume}"


def test_airflow_settings_are_options_of_the_installed_airflow(airflow_options):
    for service in AIRFLOW_SERVICES:
        for name in SERVICES[service]["environment"]:
            if name.startswith("AIRFLOW__"):
                section, option = name.removeprefix("AIRFLOW__").lower().split("__")
                assert option in airflow_options.get(section, []), f"{service}: {name}"


def test_segmentation_settings_are_settings(monkeypatch):
    from segmentation.settings import Settings

    environment = SERVICES["scheduler"]["environment"]
    ours = {name: value for name, value in environment.items() if name.startswith("SEGMENTATION__")}
    for name, value in ours.items():
        monkeypatch.setenv(name, VARIABLE.sub(lambda found: found[3], value))
    assert Settings().shop.source == "demo"


@pytest.mark.parametrize("conn_id", ["shop", "warehouse"])
def test_connections_are_read_by_airflow(conn_id, monkeypatch):
    from segmentation.runs import connections

    text = SERVICES["scheduler"]["environment"][f"AIRFLOW_CONN_{conn_id.upper()}"]
    values = {f"{conn_id.upper()}_PASSWORD": "a b%/"}
    filled = VARIABLE.sub(lambda found: values.get(found[1]) or found[3], text)
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", filled)
    assert connections.database(conn_id).params == {
        "host": "postgres",
        "port": 5432,
        "user": conn_id,
        "password": "a b%/",
        "dbname": conn_id,
        "sslmode": "prefer",
    }


def test_status_reads_the_same_connection_without_airflow(monkeypatch):
    from segmentation.runs import connections

    text = SERVICES["status"]["environment"]["AIRFLOW_CONN_WAREHOUSE"]
    filled = VARIABLE.sub(lambda found: {"WAREHOUSE_PASSWORD": "a b%/"}.get(found[1]) or found[3], text)
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", filled)
    ours, of_airflow = (
        connections.database_of("warehouse", read("warehouse"))
        for read in (connections.in_environment, connections.in_airflow)
    )
    assert ours == of_airflow


def airflow_commands() -> list[list[str]]:
    """Airflow as compose runs it: commands, health checks, the steps of init."""
    commands = [SERVICES[name]["command"] for name in AIRFLOW_SERVICES - ONE_SHOT]
    commands += [
        service["healthcheck"]["test"][1:] for name, service in SERVICES.items() if name not in ONE_SHOT
    ]
    steps = SERVICES["init"]["command"][-1].replace("$${SEGMENTATION_FIT_SLOTS}", "2").splitlines()
    commands += [re.findall(r'"([^"]*)"|(\S+)', step) for step in steps]
    flat = [
        [part if isinstance(part, str) else part[0] or part[1] for part in command] for command in commands
    ]
    warm = ["python", "-W", "ignore", "-m", "segmentation.pipeline.warm"]  # what follows is for Airflow
    flat = [["airflow", *command[5:]] if command[:5] == warm else command for command in flat]
    return [command[1:] for command in flat if command[0] == "airflow"]


def test_commands_exist_in_the_airflow_command_line(airflow_parser):
    commands = airflow_commands()
    assert {command[0] for command in commands} == {
        "api-server",
        "scheduler",
        "dag-processor",
        "triggerer",
        "jobs",
        "db",
        "pools",
        "users",
    }
    for command in commands:
        if command[0] != "users":  # of the FAB auth manager, which this process does not use
            airflow_parser.parse_args(command)  # exits where there is no such command or option


def test_users_command_is_of_the_auth_manager_that_compose_names():
    from airflow.providers.fab.cli.definition import get_fab_cli_commands

    setting = SERVICES["init"]["environment"]["AIRFLOW__CORE__AUTH_MANAGER"]
    module, name = setting.rsplit(".", 1)
    assert hasattr(__import__(module, fromlist=[name]), name)
    users = next(group for group in get_fab_cli_commands() if group.name == "users")
    create = next(command for command in users.subcommands if command.name == "create")
    known = {flag for arg in create.args for flag in arg.flags}
    given = next(command for command in airflow_commands() if command[:2] == ["users", "create"])
    assert {part for part in given if part.startswith("--")} <= known


def test_pool_of_the_fits_is_the_one_the_dag_names():
    from segmentation.runs import dag_ids

    made = re.findall(r"airflow pools set (\w+)", SERVICES["init"]["command"][-1])
    assert made == [dag_ids.FIT_POOL]


def test_image_installs_the_lock_and_runs_as_the_user_of_the_services():
    dockerfile = (PROJECT / "Dockerfile").read_text()
    user = SERVICES["scheduler"]["user"]
    assert re.search(rf"^USER {user}$", dockerfile, re.MULTILINE)
    assert "-r requirements-production.txt" in dockerfile
    assert {"--compile-bytecode", "--require-hashes"} <= set(dockerfile.split())
    lock = (PROJECT / "requirements-production.txt").read_text()
    assert re.search(r"^apache-airflow-providers-fab==", lock, re.MULTILINE)
    assert "pgserver" not in lock, "the image has no embedded Postgres"


def test_image_context_lets_through_what_is_copied_and_no_secrets():
    lines = [
        line for line in (PROJECT / ".dockerignore").read_text().splitlines() if not line.startswith("#")
    ]
    assert lines[0] == "*"
    assert [line for line in lines if line.startswith("!")] == [
        "!requirements-production.txt",
        "!dags",
        "!include",
        "!plugins",
    ]
