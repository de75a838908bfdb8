"""Users, keys and sessions: added, changed, taken away; and logging in, which nobody may do by guessing."""

from __future__ import annotations

import pytest

from penstock.backend.secrets import SystemSecrets
from penstock.core.access import Kind, Scope, nobody, read_text
from penstock.core.errors import Conflict, Forbidden, Invalid, NotFound, TooManyAttempts, Unauthenticated
from penstock.core.secret import Secret
from penstock.ops.access import (
    AddKey,
    AddUser,
    Authenticate,
    ChangePassword,
    ChangeUser,
    ListKeys,
    ListUsers,
    LogIn,
    LogOut,
    RemoveUser,
    RevokeKey,
)
from penstock.ops.tasks import ListProjects
from penstock.service import Service
from penstock.store.sqlite import SqliteStore

PASSWORD = Secret("correct horse battery")
OTHER = Secret("wrong horse battery")
HERE = nobody("10.0.0.1")


class CountingSecrets(SystemSecrets):
    """Counts how often a password is verified, and against what: what takes the time."""

    def __init__(self):
        super().__init__(rounds=1, memory=64)
        self.verified = []

    def fits(self, hash, password):
        self.verified.append(hash)
        return super().fits(hash, password)


@pytest.fixture
def now():
    return [1000.0]


@pytest.fixture
def secrets():
    return CountingSecrets()


@pytest.fixture
def service(tmp_path, now, secrets):
    made = Service(SqliteStore(tmp_path / "home" / "penstock.db"), lambda: now[0], secrets=secrets)
    made.call(AddUser(name="root", scope=Scope.ADMIN))
    yield made
    made.close()


@pytest.fixture
def ada(service):
    return service.call(AddUser(name="ada", scope=Scope.WRITE, projects=("P",), password=PASSWORD))


def log_in(service, name="ada", password=PASSWORD, by=HERE):
    return service.call(LogIn(name=name, password=password), by)


def recognize(service, secret):
    return service.call(Authenticate(text=secret), HERE)


class TestUsers:
    def test_a_user_is_added_once(self, service, ada, now):
        assert (ada.has_password, ada.created, ada.disabled) == (True, now[0], None)
        assert [user.name for user in service.call(ListUsers())] == ["ada", "root"]
        with pytest.raises(Conflict, match="there is a user 'ada' already"):
            service.call(AddUser(name="ada"))

    def test_the_first_user_is_one_who_can_add_others(self, tmp_path, secrets):
        empty = Service(SqliteStore(tmp_path / "other" / "penstock.db"), lambda: 0.0, secrets=secrets)
        for facts in ({"scope": Scope.WRITE}, {"scope": Scope.ADMIN, "projects": ("P",)}):
            with pytest.raises(Invalid, match="the first user has to administrate the server"):
                empty.call(AddUser(name="ada", **facts))
        assert empty.call(AddUser(name="ada", scope=Scope.ADMIN)).governs
        empty.close()

    @pytest.mark.parametrize("name", ["", "a b", "a\nb", "a/b", "-a", "a" * 65, "ä", "\ud800", "a:b", "a'--"])
    def test_a_name_that_could_mislead_is_none(self, service, name):
        with pytest.raises(Invalid, match="is no name for a user"):
            service.call(AddUser(name=name))

    @pytest.mark.parametrize("project", ["", "/a", "a/", "a\nb", "a" * 257])
    def test_a_project_that_cannot_be_one_is_refused(self, service, project):
        for op in (
            AddUser(name="eve", projects=(project,)),
            ChangeUser(name="root", projects=(project,)),
            AddKey(owner="root", projects=(project,)),
            AddKey(owner="root", queues=(project,)),
        ):
            with pytest.raises(Invalid, match="is no name of a"):
                service.call(op)

    def test_more_projects_than_anybody_needs_are_refused(self, service):
        with pytest.raises(Invalid, match="101 projects are too many"):
            service.call(AddUser(name="eve", projects=("a",) * 101))

    @pytest.mark.parametrize("password", ["", "short", "x" * 9, "x" * 1025])
    def test_a_password_has_a_length_that_is_hard_to_guess_and_not_endless(self, service, password):
        with pytest.raises(Invalid, match="a password has 10 to 1,024 characters") as caught:
            service.call(AddUser(name="eve", password=Secret(password)))
        assert not password or password not in str(caught.value).replace("1,024", "")

    def test_what_is_not_named_stays_as_it_is(self, service, ada):
        changed = service.call(ChangeUser(name="ada", scope=Scope.READ))
        assert (changed.scope, changed.projects, changed.has_password) == (Scope.READ, ("P",), True)
        assert log_in(service).user == changed
        assert service.call(ChangeUser(name="ada", projects=())).projects == ()

    def test_who_is_disabled_stays_so_since_when_they_were(self, service, ada, now):
        service.call(ChangeUser(name="ada", disabled=True))
        now[0] += 5
        assert service.call(ChangeUser(name="ada", disabled=True)).disabled == 1000.0
        assert service.call(ChangeUser(name="ada", disabled=False)).disabled is None

    def test_there_is_always_somebody_who_administrates(self, service, ada):
        for op in (
            ChangeUser(name="root", scope=Scope.WRITE),
            ChangeUser(name="root", projects=("P",)),
            ChangeUser(name="root", disabled=True),
            RemoveUser(name="root"),
        ):
            with pytest.raises(Conflict, match="'root' is the last admin"):
                service.call(op)
        assert [user.governs for user in service.call(ListUsers())] == [False, True]
        service.call(ChangeUser(name="ada", scope=Scope.ADMIN, projects=()))
        service.call(RemoveUser(name="root"))
        service.call(RemoveUser(name="ada"))
        assert service.call(ListUsers()) == []

    def test_who_is_not_there_is_named(self, service):
        for op in (ChangeUser(name="eve"), RemoveUser(name="eve"), AddKey(owner="eve")):
            with pytest.raises(NotFound, match="there is no user 'eve'"):
                service.call(op)

    def test_who_comes_under_the_name_of_a_removed_user_has_none_of_their_keys(self, service, ada):
        key = service.call(AddKey(owner="ada")).secret
        session = log_in(service).session
        service.call(RemoveUser(name="ada"))
        service.call(AddUser(name="ada"))
        assert service.call(ListKeys(owner="ada")) == []
        for secret in (key, session):
            with pytest.raises(Unauthenticated):
                recognize(service, secret)


class TestKeys:
    def test_a_key_is_told_once_and_recognized(self, service, ada):
        made = service.call(AddKey(owner="ada", name="laptop", scope=Scope.RUN))
        assert read_text(made.secret.text).id == made.key.id
        found = recognize(service, made.secret)
        assert (found.name, found.kind, found.scope, found.projects) == ("ada", Kind.USER, Scope.RUN, ("P",))
        assert (found.key, found.address) == (made.key.id, "10.0.0.1")

    def test_a_key_is_good_for_ninety_days_unless_somebody_says_otherwise(self, service, ada, now):
        assert service.call(AddKey(owner="ada")).key.expires == now[0] + 90 * 86_400
        assert service.call(AddKey(owner="ada", lifetime=None)).key.expires is None
        for lifetime in (0.0, -1.0, float("nan")):
            with pytest.raises(Invalid, match="a key cannot be good for"):
                service.call(AddKey(owner="ada", lifetime=lifetime))

    def test_nobody_makes_a_key_for_an_attempt_or_for_nobody(self, service, ada):
        for kind in (Kind.ATTEMPT, Kind.NOBODY):
            with pytest.raises(Invalid, match="there are no keys for"):
                service.call(AddKey(owner="ada", kind=kind))

    @pytest.mark.parametrize("name", ["a\nb", "x" * 257, "\x1b[2J"])
    def test_the_name_of_a_key_is_a_line(self, service, ada, name):
        with pytest.raises(Invalid, match="the name of a key is a line"):
            service.call(AddKey(owner="ada", name=name))

    def test_a_key_with_one_other_character_is_not_recognized(self, service, ada):
        made = service.call(AddKey(owner="ada"))
        text = made.secret.text
        for place in (-1, -43, -20):
            wrong = list(text)
            wrong[place] = "A" if wrong[place] != "A" else "B"
            with pytest.raises(Unauthenticated, match="nobody is known by this key"):
                recognize(service, Secret("".join(wrong)))

    @pytest.mark.parametrize(
        "text", ["", "x", "penstock_aaaaaaaa_" + "A" * 43, "session_aaaaaaaa_" + "A" * 43, "\ud800"]
    )
    def test_what_is_no_key_of_here_is_not_recognized(self, service, text):
        with pytest.raises(Unauthenticated, match="nobody is known by this key"):
            recognize(service, Secret(text))

    def test_a_key_does_not_pass_for_a_session_nor_a_session_for_a_key(self, service, ada):
        key, session = service.call(AddKey(owner="ada")).secret.text, log_in(service).session.text
        for text in (key.replace("penstock_", "session_"), session.replace("session_", "penstock_")):
            with pytest.raises(Unauthenticated):
                recognize(service, Secret(text))

    def test_a_revoked_key_is_refused_at_once_and_stays_on_the_list(self, service, ada, now):
        made = service.call(AddKey(owner="ada"))
        service.call(RevokeKey(id=made.key.id))
        with pytest.raises(Unauthenticated, match="was revoked"):
            recognize(service, made.secret)
        now[0] += 5
        assert service.call(RevokeKey(id=made.key.id)).revoked == 1000.0
        assert [key.revoked for key in service.call(ListKeys())] == [1000.0]
        with pytest.raises(NotFound, match="there is no key nothing"):
            service.call(RevokeKey(id="nothing"))

    def test_that_a_key_was_used_is_noted_once_a_minute(self, service, ada, now):
        made = service.call(AddKey(owner="ada"))
        used = []
        for passed in (0, 30, 29, 1, 1):
            now[0] += passed
            recognize(service, made.secret)
            used.append(service.call(ListKeys())[0].used)
        assert used == [1000.0, 1000.0, 1000.0, 1060.0, 1060.0]

    def test_recognizing_a_key_that_was_used_lately_waits_for_nobody_who_writes(self, service, ada, tmp_path, now):
        made = service.call(AddKey(owner="ada"))
        recognize(service, made.secret)
        other = SqliteStore(tmp_path / "home" / "penstock.db")
        with other.transaction() as tx:
            tx.users.find("ada")
            assert recognize(service, made.secret).name == "ada"
        other.close()

    def test_keys_are_listed_by_owner_the_newest_first(self, service, ada, now):
        ids = []
        for owner in ("ada", "root", "ada"):
            now[0] += 1
            ids.append(service.call(AddKey(owner=owner)).key.id)
        assert [key.id for key in service.call(ListKeys())] == ids[::-1]
        assert [key.id for key in service.call(ListKeys(owner="ada"))] == [ids[2], ids[0]]


class TestSessions:
    def test_who_logs_in_is_recognized_until_they_log_out(self, service, ada):
        session = log_in(service).session
        found = recognize(service, session)
        assert (found.name, found.scope, found.projects) == ("ada", Scope.WRITE, ("P",))
        assert service.call(ListProjects(), found) == []
        for _ in range(2):
            service.call(LogOut(session=session), found)
        with pytest.raises(Unauthenticated):
            recognize(service, session)
        with pytest.raises(Unauthenticated, match="this session has ended"):
            service.call(ListProjects(), found)

    def test_logging_out_takes_the_whole_text(self, service, ada):
        session = log_in(service).session
        service.call(LogOut(session=Secret(session.text[:-1] + ("A" if session.text[-1] != "A" else "B"))))
        assert recognize(service, session)

    def test_a_session_ends_after_twelve_hours_without_a_call(self, service, ada, now):
        session = log_in(service).session
        for _ in range(3):
            now[0] += 11 * 3600
            recognize(service, session)
        now[0] += 12 * 3600
        with pytest.raises(Unauthenticated, match="has ended"):
            recognize(service, session)

    def test_sessions_that_have_ended_are_forgotten(self, service, ada, now):
        old = log_in(service).session
        now[0] += 13 * 3600
        log_in(service)
        with service._store.transaction(writes=False) as tx:
            assert tx.sessions.find(read_text(old.text).id) is None

    def test_every_log_in_has_a_session_of_its_own(self, service, ada):
        first, second = log_in(service).session, log_in(service).session
        service.call(LogOut(session=first))
        assert recognize(service, second)

    @pytest.mark.parametrize("change", [{"password": OTHER}, {"disabled": True}])
    def test_a_new_password_and_being_disabled_end_all_sessions(self, service, ada, change):
        session = log_in(service).session
        service.call(ChangeUser(name="ada", **change))
        if "disabled" in change:
            service.call(ChangeUser(name="ada", disabled=False))
        with pytest.raises(Unauthenticated):
            recognize(service, session)

    def test_the_password_that_was_replaced_does_not_fit_any_more(self, service, ada):
        service.call(ChangeUser(name="ada", password=OTHER))
        with pytest.raises(Unauthenticated):
            log_in(service)
        assert log_in(service, password=OTHER)


class TestOwnPassword:
    def change(self, service, by, current=PASSWORD, name="ada"):
        return service.call(ChangePassword(name=name, current=current, password=OTHER), by)

    def test_a_user_changes_their_password_which_ends_their_other_sessions(self, service, ada):
        mine, other = log_in(service).session, log_in(service).session
        self.change(service, recognize(service, mine))
        assert recognize(service, mine)
        with pytest.raises(Unauthenticated):
            recognize(service, other)
        with pytest.raises(Unauthenticated):
            log_in(service)
        assert log_in(service, password=OTHER)

    def test_with_a_key_all_sessions_end(self, service, ada):
        session = log_in(service).session
        key = service.call(AddKey(owner="ada", scope=Scope.READ)).secret
        self.change(service, recognize(service, key))
        with pytest.raises(Unauthenticated):
            recognize(service, session)

    def test_who_does_not_know_the_password_changes_nothing_and_cannot_guess(self, service, ada):
        by = recognize(service, log_in(service).session)
        for _ in range(5):
            with pytest.raises(Unauthenticated, match="not the password"):
                self.change(service, by, current=OTHER)
        with pytest.raises(TooManyAttempts):
            self.change(service, by)

    def test_nobody_changes_that_of_another_user(self, service, ada):
        service.call(AddUser(name="eve", password=OTHER))
        with pytest.raises(Forbidden):
            self.change(service, recognize(service, log_in(service, "eve", OTHER).session))
        assert log_in(service)

    def test_a_key_of_a_user_without_a_password_gives_them_none(self, service, ada):
        """Else who found a key that may only read could log in, and do all that the user may."""
        service.call(AddUser(name="eve"))
        key = service.call(AddKey(owner="eve", scope=Scope.READ)).secret
        with pytest.raises(Conflict, match="has no password"):
            self.change(service, recognize(service, key), name="eve")

    def test_a_session_ends_after_a_week_however_much_it_is_used(self, service, ada, now):
        session = log_in(service).session
        for _ in range(14):
            now[0] += 11 * 3600
            recognize(service, session)
        now[0] += 11 * 3600
        recognize(service, session)
        now[0] += 4 * 3600
        with pytest.raises(Unauthenticated, match="has ended"):
            recognize(service, session)


class TestLoggingIn:
    def refusal(self, service, name, password=OTHER):
        with pytest.raises(Unauthenticated) as caught:
            log_in(service, name, password)
        return str(caught.value)

    def test_whoever_is_refused_learns_nothing_of_why(self, service, ada):
        """Neither from the answer nor from the time: each costs one verification, of a hash of the same kind."""
        service.call(AddUser(name="bob"))
        service.call(AddUser(name="eve", password=PASSWORD))
        service.call(ChangeUser(name="eve", disabled=True))
        said = {self.refusal(service, name) for name in ("ada", "bob", "unknown", "", "\ud800")}
        said.add(self.refusal(service, "eve", PASSWORD))
        assert len(said) == 1

    @pytest.mark.parametrize("name", ["ada", "bob", "unknown"])
    def test_whoever_tries_costs_one_verification(self, service, ada, secrets, name):
        service.call(AddUser(name="bob"))
        self.refusal(service, name)
        assert len(secrets.verified) == 1

    def test_five_attempts_a_minute_are_let_through_for_one_name_from_one_address(self, service, ada, now, secrets):
        for _ in range(5):
            self.refusal(service, "ada")
            now[0] += 5
        with pytest.raises(TooManyAttempts, match="too many attempts to log in") as caught:
            log_in(service)
        assert caught.value.hint == "wait a minute"
        assert len(secrets.verified) == 5
        assert log_in(service, by=nobody("10.0.0.2")), "somebody else's guesses lock nobody out"
        now[0] += 35
        assert log_in(service)

    def test_the_attempts_are_counted_in_the_database_and_not_in_memory(self, service, ada, now, secrets, tmp_path):
        for _ in range(5):
            self.refusal(service, "ada")
        other = Service(SqliteStore(tmp_path / "home" / "penstock.db"), lambda: now[0], secrets=secrets)
        with pytest.raises(TooManyAttempts):
            log_in(other)
        other.close()

    def test_who_tries_many_names_from_one_address_is_stopped_as_well(self, service, ada):
        for number in range(30):
            self.refusal(service, f"name{number}")
        with pytest.raises(TooManyAttempts):
            log_in(service)

    def test_who_gets_in_starts_anew(self, service, ada):
        for _ in range(3):
            for _ in range(4):
                self.refusal(service, "ada")
            log_in(service)

    def test_what_people_type_for_a_name_is_kept_nowhere(self, service, ada):
        self.refusal(service, "planted-password")
        with service._store.transaction(writes=False) as tx:
            for table in ("log_ins", "audit", "sessions"):
                assert "planted" not in str(tx.tasks._session.rows(f"SELECT * FROM {table}"))

    def test_attempts_are_forgotten_after_a_minute(self, service, ada, now):
        self.refusal(service, "ada")
        now[0] += 61
        self.refusal(service, "other")
        with service._store.transaction(writes=False) as tx:
            assert tx.tasks._session.rows("SELECT COUNT(*) FROM log_ins") == [(2,)]

    def test_a_user_who_was_disabled_while_the_password_was_verified_does_not_get_in(self, service, ada, secrets):
        fits = secrets.fits

        def slowly(hash, password):
            service.call(ChangeUser(name="ada", disabled=True))
            return fits(hash, password)

        secrets.fits = slowly
        assert self.refusal(service, "ada", PASSWORD)

    def test_a_password_that_was_replaced_while_it_was_verified_does_not_let_in(self, service, ada, secrets):
        fits = secrets.fits

        def slowly(hash, password):
            service.call(ChangeUser(name="ada", password=OTHER))
            return fits(hash, password)

        secrets.fits = slowly
        assert self.refusal(service, "ada", PASSWORD)


def test_a_service_without_a_source_of_secrets_has_no_such_operations(tmp_path):
    plain = Service(SqliteStore(tmp_path / "home" / "penstock.db"), lambda: 0.0)
    with pytest.raises(NotFound, match="there is no operation AddUser"):
        plain.call(AddUser(name="ada"))
    plain.close()
