"""A real mail server (aiosmtpd) beside the real daemon: an invitation is mailed, accepted once, refused the second time and
refused when it is too old; the server is down, hangs, refuses for now and for good; STARTTLS with a certificate of its own
authority and with a strange one."""

import asyncio
import email
import logging
import pathlib
import re
import sqlite3
import ssl
import subprocess
import tempfile

from aiosmtpd.smtp import SMTP, AuthResult

from box import Box, free_port
from simulator import Failed, main

PASSWORD = "green tea at five"


def same(what, got, expected):
    if got != expected:
        raise Failed(f"{what}: {got!r}, expected {expected!r}")
    print(f"ok: {what}: {got!r}", flush=True)


class Office:
    """The mail server, whose mood changes."""

    def __init__(self, box_seen, tls=None, password=None):
        self.seen, self.tls, self.password = box_seen, tls, password
        self.mails, self.log_ins, self.calls = [], [], 0
        self.refuses = None
        self.hangs = asyncio.Event()
        self.hangs.set()
        self.server = None

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        self.calls += 1
        self.seen.news()
        await self.hangs.wait()
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.refuses:
            return self.refuses
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content)
        self.mails.append((envelope.rcpt_tos, mail["subject"], mail.get_payload(decode=True).decode().replace("\r\n", "\n"),
                           session.ssl is not None))
        self.seen.news()
        return "250 taken"

    def log_in(self, server, session, envelope, mechanism, data):
        good = (data.login, data.password) == (b"box", self.password)
        self.log_ins.append(good)
        self.seen.news()
        return AuthResult(success=good, handled=good)

    async def open(self, port, first_byte=False):
        """TLS from the first byte, or after STARTTLS if there is a certificate at all."""
        loop = asyncio.get_running_loop()
        if first_byte:
            make = lambda: SMTP(self, hostname="office", loop=loop)
        else:
            make = lambda: SMTP(self, hostname="office", loop=loop, tls_context=self.tls,
                                require_starttls=self.tls is not None, auth_required=self.password is not None,
                                authenticator=self.log_in if self.password else None)
        self.server = await loop.create_server(make, "127.0.0.1", port, ssl=self.tls if first_byte else None)

    def close(self):
        self.server.close()

    async def mail(self, count):
        await self.seen.quietly(f"mail no. {count}", lambda: len(self.mails) >= count)
        return self.mails[count - 1]


def mail_section(port, security="none", more=""):
    host = "127.0.0.1" if security == "none" else "localhost"
    return (f'[mail]\nhost = "{host}"\nport = {port}\nsecurity = "{security}"\nfrom = "box@example.org"\n'
            f'link_base = "https://box.example.org"\n{more}\n')


def link_in(text):
    return re.search(r"https://box\.example\.org/invitation/\S+", text)[0]


async def refused(box, code, *words, types=""):
    """A command that has to be refused with that code."""
    status, out, err = await box._run(*words, types=types)
    if status != 1 or f"refused ({code})" not in err:
        raise Failed(f"panelgate {' '.join(words)}: {status} {out}{err}, expected {code}")
    print(f"ok: panelgate {' '.join(words)} is refused: {err.splitlines()[0]}", flush=True)


async def invitations(port):
    async with Box(mail_section(port), {}) as box:
        office = Office(box.seen)
        await office.open(port)
        invite = ("installers", "invite", "anna@example.org", "--name", "Anna Berg")
        print((await box.command(*invite)).strip())
        to, subject, text, _ = await office.mail(1)
        same("the mail is for", (to, subject), (["anna@example.org"], "Invitation to site-1"))
        link = link_in(text)
        accept = f"{link}\n{PASSWORD}\n{PASSWORD}\n"
        print((await box.command("installers", "accept", types=accept)).strip())
        await refused(box, "invitation_expired", "installers", "accept", types=accept)
        await box.command("login", "anna@example.org", types=f"{PASSWORD}\n")
        await box.command("logout")

        # A reset: the old password stays until a new one is set.
        await box.command("installers", "reset-password", "anna@example.org")
        one_time = re.search(r"^\w{5}-\w{5}-\w{5}$", (await office.mail(2))[2], re.M)[0]
        await box.command("login", "anna@example.org", types=f"{PASSWORD}\n")
        await box.command("logout")
        await box.command("login", "anna@example.org", types=f"{one_time}\nmy own new word\nmy own new word\n")
        await box.command("logout")
        await refused(box, "permission_denied", "login", "anna@example.org", types=f"{PASSWORD}\n")

        # Refused for good: told at once, in the name of who asked.
        office.refuses = "550 5.1.1 no such user"
        await box.command("installers", "invite", "nobody@example.org", "--name", "No Body")
        await box.told("log", "the refusal", lambda line: line["result"] == "mail_not_delivered"
                       and line["subject"] == "nobody@example.org" and "550" in line["text"])
        print("ok:", box.messages("log")[-1], flush=True)

        # For now, hanging, gone: kept, and sent after a restart.
        for number, mood in enumerate(("451", "hangs", "down")):
            office.refuses = "451 4.7.1 try later" if mood == "451" else None
            if mood == "hangs":
                office.hangs.clear()
            if mood == "down":
                office.close()
            calls, mails = office.calls, len(office.mails)
            await box.command("installers", "invite", f"{mood}x@example.org", "--name", mood)
            if mood == "down":
                await box.daemon.says("it is tried again")
            else:
                await box.seen.quietly(f"a call while {mood}", lambda: office.calls > calls)
            await box.command("status")  # the daemon is not held up
            same(f"the daemon's end while the server is {mood}", await box.daemon.stop(), 0)
            office.refuses = None
            office.hangs.set()
            if mood == "down":
                await office.open(port)
            await box.restart()
            same(f"after {mood} and a restart the mail goes to", (await office.mail(mails + 1))[0], [f"{mood}x@example.org"])

        # Too old: the date in the database is set back while the daemon is away.
        late = link_in(office.mails[-1][2])
        await box.daemon.stop()
        with sqlite3.connect(next(pathlib.Path(box._folder, "data").glob("*.db"))) as database:
            database.execute("UPDATE invitation SET expires = 1 WHERE used IS NULL")
        database.close()
        await box.restart()
        await refused(box, "invitation_expired", "installers", "accept", types=f"{late}\n{PASSWORD}\n{PASSWORD}\n")

        secrets = [link.rsplit("/", 1)[1], late.rsplit("/", 1)[1], one_time, PASSWORD]
        places = {"log": "\n".join(line for daemon in box.daemons for line in daemon.lines),
                  "MQTT": "\n".join(box._watcher.lines)}
        places |= {str(path): path.read_bytes().decode("latin-1") for path in pathlib.Path(box._folder, "data").iterdir()
                   if path.is_file()}
        for place, text in places.items():
            for secret in secrets:
                if secret in text:
                    raise Failed(f"a secret is in {place}")
        print(f"ok: no token and no password in {len(places)} places", flush=True)
        office.close()


def certificates(folder):
    """An authority, and a certificate of it for localhost."""
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj",
            "/CN=authority of tests")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "office.key", "-out", "office.csr", "-subj", "/CN=localhost")
    pathlib.Path(folder, "san").write_text("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
    openssl("x509", "-req", "-in", "office.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "san", "-out", "office.pem")


def context_of(folder):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(f"{folder}/office.pem", f"{folder}/office.key")
    return context


async def starttls(port):
    """A strange authority, then a wrong password, then all as it should be."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as strange:
        certificates(folder)
        certificates(strange)
        more = f'ca = "{strange}/ca.pem"\nusername = "box"\npassword = {{ file = "smtp.password" }}'
        async with Box(mail_section(port, "starttls", more), {"smtp.password": "not-the-password"}) as box:
            office = Office(box.seen, context_of(folder), b"office-password")
            await office.open(port)
            await box.command("managers", "invite", "boss@example.org", "--name", "Ann Boss")
            await box.daemon.says("it is tried again")
            same("mails and log-ins to a server of a strange authority", (office.mails, office.log_ins), ([], []))
            await box.daemon.stop()
            box._config.write_text(box._config.read_text().replace(strange, folder))
            await box.restart()
            await box.daemon.says("it is tried again")
            same("with a wrong password, log-ins and mails", (set(office.log_ins), office.mails), ({False}, []))
            await box.daemon.stop()
            pathlib.Path(box._folder, "smtp.password").write_text("office-password\n")
            await box.restart()
            to, _, _, encrypted = await office.mail(1)
            same("with the right one, encrypted", (to, encrypted), (["boss@example.org"], True))
            for line in (line for daemon in box.daemons for line in daemon.lines):
                if "office-password" in line or "not-the-password" in line:
                    raise Failed(f"the server's password is in the log: {line}")
            office.close()


async def tls(port):
    with tempfile.TemporaryDirectory() as folder:
        certificates(folder)
        async with Box(mail_section(port, "tls", f'ca = "{folder}/ca.pem"'), {}) as box:
            office = Office(box.seen, context_of(folder))
            await office.open(port, first_byte=True)
            await box.command("managers", "invite", "boss@example.org", "--name", "Ann Boss")
            same("with TLS from the first byte, to", (await office.mail(1))[0], ["boss@example.org"])
            office.close()


async def run():
    logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)  # a handshake that fails is meant to
    await invitations(free_port())
    await starttls(free_port())
    await tls(free_port())


if __name__ == "__main__":
    main(run)
