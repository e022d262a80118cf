import { text } from 'node:stream/consumers'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { SMTPServer } from 'smtp-server'
import tap from 'tap'
import type { Test } from 'tap'
import { smtpOf, withoutSecrets } from '../../backgroundtask/_net/smtp.ts'
import { TASK_DEFINITIONS as REPORT } from '../../backgroundtask/send_daily_reports.ts'
import { TASK_DEFINITIONS } from '../../backgroundtask/send_email.ts'
import type { TaskContext } from '../../core/model/task/context.ts'
import { fakeContext } from './context.ts'

const PASSWORD = 'pässword-3141'
const run = async (ctx: TaskContext) => TASK_DEFINITIONS[0]!.func(ctx)

interface Rules {
  onRcpt?: (address: string) => number | null
  onData?: () => number | null
  authOptional?: boolean
}

const fault = (responseCode: number) => Object.assign(new Error(`rule says ${responseCode}`), { responseCode })

/** A mail server on the loopback address that keeps what it is sent. */
async function mailServer (t: Test, { onRcpt = () => null, onData = () => null, authOptional = true }: Rules = {}) {
  const mails: { from: string, to: string[], raw: string, user: unknown }[] = []
  const tried: (string | null | undefined)[] = []
  const server = new SMTPServer({
    authOptional,
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    onAuth: ({ username, password }, _session, done) => {
      tried.push(password)
      return password === PASSWORD
        ? done(null, { user: username })
        : done(Object.assign(new Error(`bad password ${password}`), { responseCode: 535 }))
    },
    onRcptTo: ({ address }, _session, done) => {
      const code = onRcpt(address)
      return code === null ? done() : done(fault(code))
    },
    onData: async (stream, { envelope, user }, done) => {
      const raw = await text(stream)
      const code = onData()
      if (code !== null) return done(fault(code))
      const from = envelope.mailFrom ? envelope.mailFrom.address : ''
      mails.push({ from, to: envelope.rcptTo.map(({ address }) => address), raw, user })
      return done()
    }
  })
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  server.on('error', () => {})
  t.teardown(() =>
    new Promise<void>(resolve => {
      server.close(resolve)
    })
  )
  const { port } = server.server.address() as AddressInfo
  return { mails, tried, smtp: { host: '127.0.0.1', port } }
}

const MAIL = {
  from: 'Offpeak <off@example.org>',
  to: ['a@example.org', 'b@example.org'],
  subject: 'Grüße',
  text: 'Hello\n.\nend'
}

tap.test('a mail arrives with sender, recipients, subject and text', async t => {
  const { mails, smtp } = await mailServer(t)
  const { ctx, recorded } = fakeContext('send_email', { ...MAIL, bcc: 'c@example.org', smtp })
  t.match(await run(ctx), { accepted: 3, rejected: [], message_id: '<offpeak.0001a2b3c4d@example.org>' })
  t.match(mails, [{
    from: 'off@example.org',
    to: ['a@example.org', 'b@example.org', 'c@example.org'],
    raw: /Message-ID: <offpeak\.0001a2b3c4d@example\.org>/
  }])
  t.match(mails[0]!.raw, /Hello/)
  t.notMatch(mails[0]!.raw, /c@example\.org/)
  t.equal(recorded.log.length, 1)
})

tap.test('an attempt after the mail was sent does not send it again', async t => {
  const { mails, smtp } = await mailServer(t)
  const { ctx } = fakeContext('send_email', { ...MAIL, smtp })
  await run(ctx)
  t.match(await run(ctx), { sent_by_earlier_attempt: true })
  t.equal(mails.length, 1)
})

tap.test('a permanent refusal fails the run, a temporary one is retried', async t => {
  const final = await mailServer(t, { onData: () => 554 })
  await t.rejects(run(fakeContext('send_email', { ...MAIL, smtp: final.smtp }).ctx), {
    name: 'Fatal',
    message: /rule says 554/
  })
  const passing = await mailServer(t, { onData: () => 451 })
  await t.rejects(run(fakeContext('send_email', { ...MAIL, smtp: passing.smtp }).ctx), {
    name: 'Error',
    message: /rule says 451/
  })
  const unknown = await mailServer(t, { onRcpt: () => 550 })
  await t.rejects(run(fakeContext('send_email', { ...MAIL, smtp: unknown.smtp }).ctx), { name: 'Fatal' })
})

tap.test('a refused recipient among others is a warning', async t => {
  const { mails, smtp } = await mailServer(t, { onRcpt: address => address.startsWith('b@') ? 550 : null })
  t.match(await run(fakeContext('send_email', { ...MAIL, smtp }).ctx), {
    message: '1 recipients were refused',
    result: { rejected: ['b@example.org'] }
  })
  t.equal(mails.length, 1)
})

tap.test('a missing server is retried', async t => {
  const { ctx } = fakeContext('send_email', { ...MAIL, smtp: { host: '127.0.0.1', port: 1 } })
  await t.rejects(run(ctx), { name: 'Error', message: /127\.0\.0\.1:1 could not be reached/ })
})

tap.test('the password comes from a file or the environment, and is never shown [S30]', async t => {
  const { mails, smtp } = await mailServer(t, { authOptional: false })
  const dir = t.testdir({
    password: `${PASSWORD}\n`,
    wrong: 'wrong-2718',
    url: `smtp://me%40example.org:${encodeURIComponent(PASSWORD)}@127.0.0.1:${smtp.port}\n`
  })
  await run(
    fakeContext('send_email', { ...MAIL, smtp: { ...smtp, user: 'me', password_file: join(dir, 'password') } }).ctx
  )
  process.env.SMTP_URL_FILE = join(dir, 'url')
  t.teardown(() => {
    delete process.env.SMTP_URL_FILE
  })
  await run(fakeContext('send_email', { to: 'a@example.org', text: 'x' }).ctx)
  t.match(mails, [{ user: 'me' }, { user: 'me@example.org', from: 'me@example.org' }])
  const { ctx, recorded } = fakeContext('send_email', {
    ...MAIL,
    smtp: { ...smtp, user: 'me', password_file: join(dir, 'wrong') }
  })
  const error = await run(ctx).then(() => null, (thrown: Error) => thrown)
  t.match(error, { name: 'Fatal', message: /bad password \*\*\*/ })
  t.notMatch(JSON.stringify([recorded, error?.stack, error?.cause]), /2718/)
})

tap.test('a password is not sent to another machine without TLS', async t => {
  const dir = t.testdir({ password: PASSWORD })
  const settings = { host: 'mail.example.org', user: 'me', password_file: join(dir, 'password') }
  t.match(await smtpOf(settings, {}), { require_tls: true, port: 587 })
  t.match(await smtpOf({ ...settings, host: '127.0.0.1' }, {}), { require_tls: false })
  const { mails, tried, smtp } = await mailServer(t)
  await t.rejects(
    run(fakeContext('send_email', { ...MAIL, smtp: { ...smtp, ...settings, host: smtp.host, require_tls: true } }).ctx)
  )
  t.strictSame([mails, tried], [[], []])
})

tap.test('one mail server can be configured for all mails', async t => {
  const { mails, smtp } = await mailServer(t)
  const services = { config: { smtp: { ...smtp, from: 'all@example.org' } } }
  await run(fakeContext('send_email', { to: 'a@example.org' }, { services }).ctx)
  t.match(mails, [{ from: 'all@example.org' }])
  await t.rejects(
    run(fakeContext('send_email', { to: 'a@example.org' }, { services: { config: { smtp: { prot: 25 } } } }).ctx),
    { name: 'Fatal', message: /services\.smtp.*prot/ }
  )
})

tap.test('the URL of a mail server is parsed, and errors do not show it', async t => {
  t.match(await smtpOf({ url: 'smtps://u:p%40ss@mail.example.org' }, {}), {
    host: 'mail.example.org',
    port: 465,
    secure: true,
    user: 'u',
    pass: 'p@ss'
  })
  t.match(await smtpOf({}, { SMTP_URL: 'smtp://mail.example.org:25' }), {
    port: 25,
    secure: false,
    user: null,
    require_tls: false
  })
  t.match(await smtpOf({ host: 'own' }, { SMTP_URL: 'smtp://other' }), { host: 'own' })
  const error = await smtpOf({ url: 'imap://u:secret@host' }, {}).then(() => null, (thrown: Error) => thrown)
  t.match(error, { name: 'SmtpUnset' })
  t.notMatch(error?.message, /secret/)
  const smtp = await smtpOf({ url: 'smtp://u:p@h' }, {})
  t.equal(
    withoutSecrets(`${Buffer.from('\0u\0p').toString('base64')} x`, smtp).includes(
      Buffer.from('\0u\0p').toString('base64')
    ),
    false
  )
})

tap.test('errors name the key of a missing setting', async t => {
  const ask = (payload: object) => run(fakeContext('send_email', payload).ctx)
  await t.rejects(ask({}), { name: 'Fatal', message: /builtin\.send_email\.payload\.to/ })
  await t.rejects(ask({ to: 'a@example.org' }), { name: 'Fatal', message: /builtin\.send_email\.payload\.smtp/ })
  await t.rejects(ask({ to: 'a@example.org', smtp: { host: '127.0.0.1', port: 1 } }), {
    name: 'Fatal',
    message: /builtin\.send_email\.payload\.from/
  })
  const dir = t.testdir()
  await t.rejects(ask({ to: 'a@example.org', smtp: { url_file: join(dir, 'missing') } }), {
    name: 'Fatal',
    message: /missing' cannot be read \(ENOENT\)/
  })
})

tap.test('newlines in headers and attached files are refused', async t => {
  const { mails, smtp } = await mailServer(t)
  for (const payload of [{ subject: 'x\r\nBcc: evil@example.org' }, { to: 'a@example.org\nBcc: evil@example.org' }, {
    attachments: [{ path: '/etc/passwd' }]
  }, { text: { path: '/etc/passwd' } }]) {
    await t.rejects(run(fakeContext('send_email', { ...MAIL, ...payload, smtp }).ctx), { name: 'Fatal' })
  }
  t.equal(mails.length, 0)
})

tap.test('a stop ends the run while the server does not answer', async t => {
  const hook: { stop?: () => void } = {}
  const { smtp } = await mailServer(t, {
    onRcpt: () => {
      hook.stop?.()
      return null
    }
  })
  const { ctx, stop } = fakeContext('send_email', { ...MAIL, smtp })
  hook.stop = () => stop.abort(new Error('stopped'))
  await t.rejects(run(ctx), { message: 'stopped' })
})

tap.test('the daily report is one mail with the state of the machine and the report of the host', async t => {
  const report = async (ctx: TaskContext) => REPORT[0]!.func(ctx)
  const { ctx, recorded } = fakeContext('send_daily_reports', { to: 'a@example.org' }, {
    services: { offpeak: { report: async () => '12 runs completed' } }
  })
  await report(ctx)
  t.match(recorded.added, [{
    task: 'send_email',
    ask: {
      key: 'report-0001a2b3c4d',
      payload: { to: 'a@example.org', subject: /2026-03-10$/, text: /Memory \d.*12 runs completed/s }
    }
  }])
  await t.rejects(report(fakeContext('send_daily_reports').ctx), { name: 'Skip', message: /payload\.to/ })
})
