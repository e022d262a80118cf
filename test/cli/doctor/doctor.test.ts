import t from 'tap'
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { cli, place, serve } from '../setup.ts'

const ROOT_ACCEPTED = { security: { accept_root: 'tests run in a container as root' } }

interface Output {
  ok: boolean
  server: { url: string, running: boolean }
  checks: { check: string, findings: { code: string, level: string, message: string }[] }[]
}

/** What the doctor says about a folder: the exit code, and the codes of what is found except notes. The tests run in
 *  folders that everybody may replace. */
async function ask (cwd: string, env: Record<string, string> = {}) {
  const { code, out } = await cli(['doctor', '--json'], { cwd, env })
  const { ok, server, checks } = JSON.parse(out) as Output
  const all = checks.flatMap(({ findings }) => findings)
  return { code, ok, server, all, codes: all.filter(({ level }) => level !== 'note').map(one => one.code) }
}

const withoutPlace = (codes: readonly string[]) =>
  codes.filter(code => !['insecure', 'clock_unsynchronised', 'disk_full', 'disk_remote'].includes(code))

const own = (t: Test, config: object = {}, tasks?: Record<string, string>) =>
  place(t, { ...ROOT_ACCEPTED, ...config }, tasks)

t.test('a folder that is well has no finding, with and without a server', async t => {
  const cwd = own(t)
  const before = await ask(cwd)
  t.strictSame(withoutPlace(before.codes), [])
  t.equal(before.server.running, false)
  t.ok(before.all.some(({ code }) => code === 'server_stopped'), 'a folder that was never started has a note')
  const { code } = await cli(['doctor'], { cwd, env: { TMPDIR: '/dev/null/tmp' } })
  t.equal(code, 0, 'and one without a place for temporary files as well')
  const { child, over, url } = await serve(t, [], { cwd })
  const running = await ask(cwd)
  t.strictSame(withoutPlace(running.codes), [])
  t.strictSame(running.server, { url, running: true })
  child.kill('SIGTERM')
  await over
  t.strictSame(withoutPlace((await ask(cwd)).codes), ['server_stopped'], 'one that has run has a warning')
})

t.test('each fault of a folder is found and the exit code is 1', async t => {
  const cwd = own(t, { tasks: { ehco: { enabled: false } } })
  const write = (name: string, text: string) => writeFileSync(join(cwd, 'backgroundtask', name), text)
  write('bad.mjs', "export default {\n  id: 'bad', func: 1 +\n}\n")
  write('past.mjs', `export default { id: 'past', func: () => 1,
    trigger: 'date', trigger_args: { run_date: '2020-01-01T00:00:00Z' } }\n`)
  write('no-header.sh', 'echo hi\n')
  const { code, ok, codes } = await ask(cwd, { OFFPEAK_ENV: 'prod' })
  t.strictSame([code, ok], [1, false])
  t.strictSame(withoutPlace(codes).toSorted(), ['config_overlay', 'file_ignored', 'schedule_asleep', 'task_broken',
    'task_broken'])
  const { out } = await cli(['doctor'], { cwd })
  t.match(out, /^ok +node, /)
  t.match(out, /^fault +tasks +bad\.mjs:3.*\n {10}/m)
  t.match(out, /^warning +files +no-header\.sh is not a task: .*\n +Add the line: # offpeak:/m)
  t.match(out, /\n\d+ findings\.\n$/)
})

t.test('a refused configuration is found with its line, and the server that runs on the last good one', async t => {
  const cwd = own(t)
  const { url } = await serve(t, [], { cwd })
  writeFileSync(join(cwd, 'config.json'), '{\n  "server": { "hots": 1 }\n}\n')
  const { codes, all, server } = await ask(cwd)
  t.strictSame(withoutPlace(codes), ['config_refused'])
  t.match(all.find(one => one.code === 'config_refused')!.message,
    /config\.json:2:\d+ \/server\/hots: unknown key 'hots'/)
  t.strictSame(server, { url, running: true })
})

t.test('a folder with a usual name beside an empty tasks directory is suggested', async t => {
  const cwd = own(t)
  renameSync(join(cwd, 'backgroundtask'), join(cwd, 'tasks'))
  mkdirSync(join(cwd, 'backgroundtask'))
  const { all } = await ask(cwd)
  t.match((await cli(['doctor'], { cwd })).out, /Did you mean \S*\/tasks\?/)
  t.ok(all.some(({ code }) => code === 'tasks_none'))
})

t.test('a port that another program has is found', async t => {
  const other = createServer((_request, response) => response.end('<html></html>')).listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const { port } = other.address() as AddressInfo
  const { codes, all } = await ask(own(t, { server: { port } }))
  t.strictSame(withoutPlace(codes), ['port_taken'])
  if (process.platform === 'linux') {
    t.match(all.find(({ code }) => code === 'port_taken')!.message, `Process ${process.pid} (`)
  }
})

t.test('a server that was killed, a short token and a data folder that cannot be written are found', async t => {
  const cwd = own(t)
  const { child, over } = await serve(t, [], { cwd })
  child.kill('SIGKILL')
  await over
  t.strictSame(withoutPlace((await ask(cwd)).codes), ['server_died', 'server_stopped'])
  writeFileSync(join(cwd, 'data', 'token'), 'short\n')
  t.ok((await ask(cwd)).codes.includes('token_short'))
  if (process.getuid?.() === 0) return
  chmodSync(join(cwd, 'data'), 0o500)
  t.teardown(() => chmodSync(join(cwd, 'data'), 0o700))
  t.ok((await ask(cwd)).codes.includes('data_unwritable'))
})

t.test('a running server is asked: a pause, a changed token, a changed port, and a broken file', async t => {
  const cwd = own(t)
  const { url } = await serve(t, [], { cwd })
  t.match(await cli(['pause', 'all', '--reason', 'holidays'], { cwd }), { code: 0 })
  writeFileSync(join(cwd, 'backgroundtask', 'bad.mjs'), 'export default {')
  writeFileSync(join(cwd, 'config.json'), JSON.stringify({ ...ROOT_ACCEPTED, server: { port: 1234 } }))
  const { codes } = await ask(cwd)
  t.strictSame(withoutPlace(codes).toSorted(), ['paused', 'port_changed', 'task_broken'])
  const wrong = await ask(cwd, { OFFPEAK_TOKEN: 'quite-another-token' })
  t.ok(wrong.codes.includes('token_refused'))
  t.equal(wrong.server.running, true)
  const far = JSON.parse((await cli(['doctor', '--url', url, '--json'], { cwd: t.testdir({}) })).out) as Output
  t.strictSame(far.checks.map(({ check }) => check), ['node', 'server', 'token', 'runs'],
    'of a server elsewhere only what it answers is judged')
})

t.test('a server that is named is asked, and one that does not answer is a fault', async t => {
  const cwd = own(t)
  const other = createServer((_request, response) => response.end('<html></html>')).listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const XDG_STATE_HOME = t.testdir({})
  const away = 'http://127.0.0.1:9'
  const html = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
  t.match(await cli(['context', 'add', 'away', '--url', away], { cwd, env: { XDG_STATE_HOME } }), { code: 0 })
  const named: [Record<string, string>, string, string][] = [
    [{ OFFPEAK_URL: away }, away, 'server_unreachable'],
    [{ OFFPEAK_CONTEXT: 'away' }, away, 'server_unreachable'],
    [{ OFFPEAK_URL: html }, html, 'server_foreign']
  ]
  for (const [env, url, expected] of named) {
    const { code, codes, server, all } = await ask(cwd, { ...env, XDG_STATE_HOME })
    t.strictSame([code, codes, server], [1, [expected], { url, running: false }])
    t.match(all.map(({ message }) => message).join(), url)
  }
})
