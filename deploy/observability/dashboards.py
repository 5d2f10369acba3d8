"""Writes the Grafana dashboards beside this file: ``python deploy/observability/dashboards.py`` (``make dashboards``).

Every query is run on a real Prometheus by tests/deploy/test_prometheus.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, QueryVariable
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.builders.timeseries import Panel
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DataSourceRef, VariableRefresh

FOLDER = Path(__file__).parent / "grafana"
SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
ONE_OF = '{pipeline=~"$pipeline", table=~"$table"}'
WIDTH, HEIGHT = 12, 8


@dataclass(frozen=True, slots=True)
class Graph:
    """One panel: its title, what its numbers are, and query -> legend."""

    title: str
    unit: str
    queries: dict[str, str]


def _sum(metric: str, by: str = "table") -> str:
    return f"sum by ({by}) (rate({metric}{ONE_OF}[$__rate_interval]))"


def _max(metric: str) -> str:
    return f"max by (table) ({metric}{ONE_OF})"


def _share(metric: str, share: float, where: str = ONE_OF, by: str = "table") -> str:
    rate = f"sum by (le, {by}) (rate({metric}_bucket{where}[$__rate_interval]))"
    return f"histogram_quantile({share}, {rate})"


TABLES = (
    Graph("Changes committed", "cps", {_sum("oplake_events_total"): "{{table}}"}),
    Graph("Bytes committed", "Bps", {_sum("oplake_event_bytes_total"): "{{table}}"}),
    Graph("Behind the source", "s", {_max("oplake_lag_seconds"): "{{table}}"}),
    Graph("Records not read yet", "short", {f"sum by (table) (oplake_lag_events{ONE_OF})": "{{table}}"}),
    Graph(
        "A batch, p50 and p99",
        "s",
        {_share("oplake_batch_duration_seconds", one): f"{{{{table}}}} p{one * 100:g}" for one in (0.5, 0.99)},
    ),
    Graph(
        "A commit, p50 and p99",
        "s",
        {_share("oplake_commit_duration_seconds", one): f"{{{{table}}}} p{one * 100:g}" for one in (0.5, 0.99)},
    ),
    Graph("A fold, p99", "s", {_share("oplake_fold_duration_seconds", 0.99): "{{table}}"}),
    Graph("Rows folded", "rowsps", {_sum("oplake_folded_rows_total"): "{{table}}"}),
    Graph(
        "Versions that no fold has seen",
        "short",
        {
            f"{_max('oplake_log_version')} - {_max('oplake_folded_log_version')}": "{{table}}",
        },
    ),
    Graph(
        "Size",
        "bytes",
        {
            _max("oplake_log_size_bytes"): "{{table}} log",
            _max("oplake_folded_size_bytes"): "{{table}} folded",
        },
    ),
    Graph("Since the last commit", "s", {f"time() - {_max('oplake_last_commit_timestamp_seconds')}": "{{table}}"}),
    Graph("Commits", "cps", {_sum("oplake_commits_total"): "{{table}}"}),
)
TROUBLE = (
    Graph("Values rescued", "cps", {_sum("oplake_rescued_values_total"): "{{table}}"}),
    Graph("Dead letters", "short", {f"sum by (table) (increase(oplake_dead_letters_total{ONE_OF}[1h]))": "{{table}}"}),
    Graph("Tables that have stopped", "short", {_max("oplake_table_failed"): "{{table}}"}),
    Graph("Tried again", "cps", {_sum("oplake_retries_total"): "{{table}}"}),
    Graph("Failures of the store", "cps", {_sum("oplake_store_errors_total"): "{{table}}"}),
    Graph("Told again, left out", "cps", {_sum("oplake_absorbed_events_total"): "{{table}}"}),
    Graph(
        "Oplog",
        "h",
        {
            "min(oplake_oplog_window_seconds) / 3600": "change streams",
            "min by (target) (oplake_source_oplog_window_seconds) / 3600": "{{target}}",
        },
    ),
    Graph(
        "Confirmed differences",
        "short",
        {
            f"max by (table, mode) (oplake_reconcile_confirmed_differences{ONE_OF})": "{{table}} {{mode}}",
        },
    ),
    Graph(
        "Undecided documents",
        "short",
        {
            f"max by (table, mode) (oplake_reconcile_undecided_documents{ONE_OF})": "{{table}} {{mode}}",
        },
    ),
    Graph(
        "Since the last reconciliation",
        "s",
        {
            f"time() - max by (table, mode) (oplake_reconcile_last_timestamp_seconds{ONE_OF})": "{{table}} {{mode}}",
        },
    ),
    Graph(
        "A reconciliation",
        "s",
        {
            f"max by (table, mode) (oplake_reconcile_last_duration_seconds{ONE_OF})": "{{table}} {{mode}}",
        },
    ),
    Graph(
        "Worker processes",
        "short",
        {
            "sum by (instance) (oplake_worker_processes)": "{{instance}}",
            "sum by (instance) (increase(oplake_worker_restarts_total[1h]))": "{{instance}} started again in an hour",
        },
    ),
)
SERVICE = (
    Graph("Requests", "reqps", {"sum by (status) (rate(oplake_api_requests_total[$__rate_interval]))": "{{status}}"}),
    Graph(
        "A request, p50 and p99",
        "s",
        {_share("oplake_api_request_duration_seconds", one, "", "job"): f"p{one * 100:g}" for one in (0.5, 0.99)},
    ),
    Graph(
        "The slowest routes, p99",
        "s",
        {
            f"topk(10, {_share('oplake_api_request_duration_seconds', 0.99, '', 'route')})": "{{route}}",
        },
    ),
    Graph("Jobs", "short", {"max by (kind, status) (oplake_jobs)": "{{kind}} {{status}}"}),
    Graph("The oldest job that waits", "s", {"max(oplake_jobs_oldest_waiting_seconds)": "waits"}),
    Graph("Wished runs", "short", {"count by (wish, state) (oplake_wanted_runs)": "{{wish}}, is {{state}}"}),
    Graph("The state database answers", "short", {"min by (instance) (oplake_api_state_up)": "{{instance}}"}),
)


def _dashboard(uid: str, title: str, graphs: tuple[Graph, ...], *, by_table: bool = True) -> Dashboard:
    made = (
        Dashboard(title)
        .uid(uid)
        .tags(["oplake"])
        .refresh("30s")
        .time("now-3h", "now")
        .readonly()
        .with_variable(DatasourceVariable("datasource").type("prometheus"))
    )
    if by_table:
        for name, query in (
            ("pipeline", "label_values(oplake_table_failed, pipeline)"),
            ("table", 'label_values(oplake_table_failed{pipeline=~"$pipeline"}, table)'),
        ):
            made = made.with_variable(_choice(name, query))
    for graph in graphs:
        made = made.with_panel(_panel(graph))
    return made


def _choice(name: str, query: str) -> QueryVariable:
    made = QueryVariable(name).datasource(SOURCE).query(query).refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    return made.multi(True).include_all(True).all_value(".*")


def _panel(graph: Graph) -> Panel:
    panel = Panel().title(graph.title).unit(graph.unit).span(WIDTH).height(HEIGHT).datasource(SOURCE).min(0)
    for number, (expression, legend) in enumerate(graph.queries.items()):
        query = Dataquery().datasource(SOURCE).expr(expression).legend_format(legend).ref_id(chr(ord("A") + number))
        panel = panel.with_target(query)
    return panel


def dashboards() -> dict[str, str]:
    """File name -> JSON."""
    made = {
        "oplake-tables.json": _dashboard("oplake-tables", "oplake: tables", TABLES),
        "oplake-trouble.json": _dashboard("oplake-trouble", "oplake: trouble", TROUBLE),
        "oplake-service.json": _dashboard("oplake-service", "oplake: the service", SERVICE, by_table=False),
    }
    encode = JSONEncoder(sort_keys=True, indent=2).encode
    return {name: encode(one.build()) + "\n" for name, one in made.items()}


def expressions() -> list[str]:
    """Every query of every panel, with Grafana's variables in it."""
    return [query for graph in (*TABLES, *TROUBLE, *SERVICE) for query in graph.queries]


if __name__ == "__main__":
    for name, text in dashboards().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
