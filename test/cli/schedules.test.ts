import { rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { cli, place, serve } from './setup.ts'
import { until } from '../load/until.ts'

async function server (t: Parameters<typeof serve>[0]) {
  const cwd = place(t)
  await serve(t, [], { cwd })
  const say = async (...args: string[]) => await cli(args, { cwd })
  const json = async (...args: string[]) => JSON.parse((await say(...args, '--json')).out)
  return { say, json }
}

t.test('a schedule is added, changed, paused, resumed and removed', async t => {
  const { say, json } = await server(t)
  t.match((await say('schedules')).out,
    /^SCHEDULE +TASK +WHEN +NEXT +MADE BY\necho +echo +.*03:00.* +.*03:00:00 +echo\.mjs\n$/)
  const added = await say('schedules', 'add', 'stays', '--cron', '0 4 * * *', '--zone', 'Asia/Tokyo', '--payload',
    '{"a":1}')
  t.match(added, {
    code: 0,
    out:
      /^s\w+ is added\n {2}task +stays\n {2}when +.*04:00.* \(Asia\/Tokyo\)\n {2}next +.*04:00:00 in Asia\/Tokyo\), in /
  })
  t.match(added.out, /payload +\{"a":1\}\n {2}made +by cli:/)
  const id = /^s\w+/.exec(added.out)![0]
  t.match((await say('schedules', '--task', 'stays')).out, new RegExp(`\\n${id} +stays`))
  t.match(await json('schedules', 'show', id.slice(0, -1)), { id, task: 'stays', paused: false },
    'by the beginning of its id')

  t.match(await json('schedules', 'change', id, '--every', '90m', '--payload', '{"b":2}'), {
    id,
    trigger: 'interval',
    trigger_args: { seconds: 5400 },
    payload: { a: 1, b: 2 }
  })
  t.match((await json('schedules', 'change', id, '--every', '2h')).trigger_args, { seconds: 7200 })
  t.match(await json('schedules', 'change', id, '--at', '2099-12-24T18:00Z'), {
    trigger: 'date',
    next_at: '2099-12-24T18:00:00.000Z'
  })
  t.match((await say('schedules', 'pause', id)).out, /is paused; runs that exist are kept\n[^]* next +paused\n/)
  t.match((await say('schedules')).out, new RegExp(`${id} +stays +.* paused +cli:`))
  t.match((await say('schedules', 'resume', id)).out, / goes on; .*\n[^]* next +2099-12-24 18:00:00/)
  t.match(await say('schedules', 'remove', id), { code: 0, out: `${id} is removed; runs that exist are kept\n` })

  const records = await say('records', '--limit', '2')
  t.match(records.out, /^WHEN +WHO +DID +TO +DETAIL\n.* cli:\S+ +unschedule +s\w+ +\{"task":"stays"\}\n.* reschedule /)
  t.match(records.err, /There are earlier ones: offpeak records --before \d+/)
  t.strictSame((await json('records', '--action', 'schedule')).items.map((one: { subject: string }) => one.subject), [
    id
  ])
})

t.test('a schedule says where its task is defined, and in short why it does not fire', async t => {
  const cwd = place(t, {
    tasks: { listed: { command: ['true'], trigger: '0 5 * * *' } },
    builtin: { heartbeat: {} }
  })
  await serve(t, [], { cwd })
  const say = async (...args: string[]) => (await cli(args, { cwd })).out
  await until(async () => /\nlisted .*\n/.test(await say('schedules')))
  const all = await say('schedules')
  t.match(all, /\necho .* echo\.mjs\n/)
  t.match(all, /\nheartbeat .* built-in\n/)
  t.match(await say('schedules'), /\nlisted .* config\.json:\d+\n/)
  t.match(await say('schedules', 'show', 'listed'), /\n {2}made +by config\.json:\d+, /)
  await say('schedules', 'add', 'echo', '--cron', '0 4 * * *')
  rmSync(join(cwd, 'backgroundtask', 'echo.mjs'))
  await until(async () => (await say('schedules')).includes('task missing'))
  t.match(await say('schedules'), /\ns\w+ +echo +.* {2}task missing +cli:/)
})

t.test('a wrong word about schedules is answered with what to do', async t => {
  const { say } = await server(t)
  const refusals: [args: string[], code: number, err: RegExp][] = [
    [['add', 'echo'], 2, /needs --cron, --every or --at\n {2}Say when: offpeak schedules add echo --cron/],
    [['add', 'echo', '--cron', '61 * * * *'], 1, /61/],
    [['add', 'ecko', '--cron', '@daily'], 2, /Did you mean 'echo'\?/],
    [['add', 'echo', '--every', '0'], 2, /--every is '0': expected a duration above 0/],
    [['add', 'echo', '--cron', '@daily', '--every', '1h'], 2, /cannot be used with/],
    [['change', 'echo'], 2, /there is nothing to change\n {2}Give --cron/],
    [['change', 'echo', '--cron', '@daily'], 1, /part of a task file: it cannot be changed here: change the file/],
    [['remove', 'echo'], 1, /part of a task file/],
    [['pause', 'ecjo'], 2, /No schedule has the id 'ecjo'\n {2}Did you mean 'echo'\? `offpeak schedules` lists them/],
    [['show', 'zzzzzz'], 2, /`offpeak schedules` lists them/]
  ]
  for (const [args, code, err] of refusals) t.match(await say('schedules', ...args), { code, err }, args.join(' '))
  t.match(await say('records', '--limit', '0'), {
    code: 2,
    err: /--limit is '0': expected a whole number from 1 to 200/
  })
  t.match((await say('records')).out, 'Nothing was done by hand.\n')
})
