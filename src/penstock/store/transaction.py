"""All repositories over one transaction."""

from __future__ import annotations

from penstock.core.access import Identity
from penstock.store.access import SqlKeys, SqlLogIns, SqlSessions, SqlUsers
from penstock.store.agents import SqlAgents
from penstock.store.audit import SqlAudit
from penstock.store.changes import SqlChanges
from penstock.store.decisions import SqlDecisions
from penstock.store.executions import SqlExecutions
from penstock.store.health import SqlHealth
from penstock.store.leases import SqlAssignments, SqlLeases
from penstock.store.models import SqlModels
from penstock.store.outputs import SqlOutputs
from penstock.store.overview import SqlOverview
from penstock.store.queues import SqlEntries, SqlQueues
from penstock.store.reports import SqlReports
from penstock.store.requests import SqlRequests
from penstock.store.runs import SqlRuns, SqlSteps
from penstock.store.search import SqlSearch
from penstock.store.secrets import SqlSecrets
from penstock.store.settings import SqlProjects, SqlSettings
from penstock.store.sql import Session
from penstock.store.tag_limits import SqlTagLimits
from penstock.store.tasks import SqlTasks
from penstock.store.tokens import SqlTokens


class SqlTx:
    """One transaction over everything that is stored."""

    def __init__(self, session: Session) -> None:
        self.loose = session.loose
        self.tasks = SqlTasks(session)
        self.settings = SqlSettings(session)
        self.secrets = SqlSecrets(session)
        self.projects = SqlProjects(session)
        self.runs = SqlRuns(session)
        self.steps = SqlSteps(session)
        self.search = SqlSearch(session)
        self.overview = SqlOverview(session)
        self.outputs = SqlOutputs(session)
        self.models = SqlModels(session)
        self.reports = SqlReports(session)
        self.changes = SqlChanges(session)
        self.decisions = SqlDecisions(session)
        self.executions = SqlExecutions(session)
        self.queues = SqlQueues(session)
        self.entries = SqlEntries(session)
        self.tag_limits = SqlTagLimits(session)
        self.leases = SqlLeases(session)
        self.assignments = SqlAssignments(session)
        self.agents = SqlAgents(session)
        self.health = SqlHealth(session)
        self.users = SqlUsers(session)
        self.keys = SqlKeys(session)
        self.sessions = SqlSessions(session)
        self.log_ins = SqlLogIns(session)
        self.audit = SqlAudit(session)
        self.requests = SqlRequests(session)
        self.tokens = SqlTokens(session)
        self.who: Identity | None = None
        self._session = session

    def limit_to(self, projects: tuple[str, ...]) -> None:
        """Have lists show only what lies in these projects; nothing for no limit."""
        self._session.projects = projects

    def unused(self) -> dict[str, float]:
        """Return those of the loose blobs that nothing refers to any more."""
        referred = self.tasks.referred(sorted(self.loose)) if self.loose else set[str]()
        return {hash: at for hash, at in self.loose.items() if hash not in referred}
