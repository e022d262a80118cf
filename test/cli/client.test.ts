import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { cli, place, serve } from './setup.ts'

const cwd = place(t)
const server = await serve(t, [], { cwd })
const ask = (...args: string[]) => cli(args, { cwd })
const json = async (...args: string[]) => JSON.parse((await ask(...args, '--json')).out)

t.test('tasks shows schedules in words', async t => {
  const { code, out } = await ask('tasks')
  t.equal(code, 0)
  t.match(out, /^TASK +STATUS +SCHEDULE +LAST +NEXT\n/)
  t.match(out, /\necho +scheduled +At 03:00, every day \(UTC\) +- +in /)
  const rows = out.split('\n').slice(0, 6)
  t.equal(new Set(rows.map(line => line.search(/scheduled|idle|STATUS/))).size, 1, 'columns are aligned')
  t.same((await json('tasks', '--status', 'scheduled')).map((task: { id: string }) => task.id), ['echo'])
  t.match(await ask('tasks', '--status', 'lost'), {
    code: 2,
    err: /--status is 'lost': expected one of disabled, paused, idle/
  })
})

t.test('the exit code of run shows how the run ended', async t => {
  const ends = await Promise.all([ask('run', 'echo', '--wait'), ask('run', 'fails', '--wait'),
    ask('run', 'skips', '--wait'), ask('run', 'nope')])
  t.same(ends.map(({ code }) => code), [0, 1, 4, 2])
  t.match(ends[1]!.out, /^\w{11} dead after .*: it broke \(at more\.mjs:2:\d+\)\n/)
  t.match(ends[2]!.out, /skipped.*nothing to do/)
  t.equal(ends[3]!.err, "offpeak: No task has the id 'nope'\n  List the tasks with `offpeak tasks`.\n")
})

t.test('run reads the payload from an option, a file or standard input, and follows the log', async t => {
  writeFileSync(join(cwd, 'payload.json'), '{ "from": "file" }')
  t.match(await json('run', 'echo', '--wait', '--payload', '@payload.json'), {
    state: 'completed',
    result: { from: 'file' }
  })
  const output = await cli(['run', 'echo', '--follow', '--payload', '-'], { cwd, input: '{ "from": "stdin" }' })
  t.match(output, {
    code: 0,
    out: /"from": "stdin"/,
    err: /info +received \\u001b\[31mred \{"received":\{"from":"stdin"\}\}/
  })
  t.match(await ask('run', 'echo', '--payload', '{bad'), { code: 2, err: /--payload is not JSON/ })
})

t.test('cancel and retry', async t => {
  const id = (await ask('run', 'stays')).out.trim()
  const waiting = ask('run', 'stays', '--wait', '--key', 'waited-for')
  t.match(await ask('cancel', id, '--reason', 'enough'), { code: 0 })
  const second = (await json('run', 'stays', '--key', 'waited-for')).id
  await ask('cancel', second)
  t.equal((await waiting).code, 3)
  t.match(await json('show', id), { state: 'cancelled', reason: { message: 'enough', by: /^cli:/ } })
  t.match(await ask('cancel', id), { code: 1, err: `offpeak: Run ${id} is cancelled: it cannot be cancelled\n` })
  t.match(await ask('retry', id), { code: 0, out: new RegExp(`^${id} `) })
  await ask('cancel', id)
})

t.test('runs, show and logs', async t => {
  const { id } = await json('run', 'echo', '--wait')
  t.match((await ask('runs', '--task', 'echo', '--limit', '1')).out,
    new RegExp(`^RUN +TASK +STATE +AT +TOOK.*\n${id} +echo +completed`))
  t.match((await ask('show', id)).out, /state +completed\n[^]*attempt 1: completed/)
  t.match((await ask('logs', id)).out, /^\S+ info +received/)
  t.equal((await json('runs', '--state', 'failed')).items.length, 1)
})

t.test('disable and enable write config.json and are recorded', async t => {
  t.match(await ask('disable', 'echo'), { code: 0, out: 'echo is disabled\n' })
  t.equal(JSON.parse(readFileSync(join(cwd, 'config.json'), 'utf8')).tasks.echo.enabled, false)
  t.match((await json('tasks'))[1], { id: 'echo', status: 'disabled' })
  t.match(await ask('enable', 'echo'), { code: 0 })
  const answer = await fetch(`${server.url}/api/records?action=enable`, {
    headers: { authorization: `Bearer ${readFileSync(join(cwd, 'data/token'), 'utf8').trim()}` }
  })
  t.match(await answer.json(), { items: [{ by: /^cli:/, subject: 'echo' }] })
})

t.test('the token of this machine is not sent to another server', async t => {
  const { createServer } = await import('node:http')
  const { once } = await import('node:events')
  const tokens: (string | undefined)[] = []
  const other = createServer((request, response) => {
    tokens.push(request.headers.authorization)
    response.setHeader('content-type', 'application/json').end('[]')
  })
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const url = `http://127.0.0.1:${(other.address() as { port: number }).port}`
  t.match(await ask('tasks', '--url', url), { code: 0, out: 'There are no tasks.\n' })
  t.ok(tokens.length > 0)
  t.same(tokens.filter(token => token !== undefined), [])
  await ask('tasks', '--url', url, '--token', 'one-for-the-other')
  t.equal(tokens.at(-1), 'Bearer one-for-the-other')
})
