import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { MINUTE } from '../../core/model/base/duration.ts'
import { cli, place } from './setup.ts'
import { createSqliteEngine } from '../../core/engine/sqlite/keeper.ts'
import type { Schedule } from '../../core/model/schedule/schedule.ts'

t.test('validate lists every fault with its place', async t => {
  const cwd = place(t)
  t.match(await cli(['validate'], { cwd }), { code: 0, out: /5 tasks are valid/ })
  writeFileSync(join(cwd, 'backgroundtask', 'bad.mjs'), "export default {\n  id: 'bad', func: 1 +\n}\n")
  writeFileSync(join(cwd, 'backgroundtask', 'wrong.mjs'),
    "export default { id: 'wrong', func: () => 1, trigger: 'cron', trigger_args: { hour: 25 } }\n")
  const broken = await cli(['validate'], { cwd })
  t.equal(broken.code, 1)
  t.match(broken.out, /bad\.mjs:3/)
  t.match(broken.out, /wrong\.mjs:1 \S*\/trigger_args\/hour: (?!\S*\/trigger_args).*found '?25/, 'the place once')
  t.match(broken.out, /\n2 faults found\.\n$/)
  writeFileSync(join(cwd, 'config.json'),
    '{\n  "server": { "hots": 1 },\n  "tasks": { "echo": { "timeout": "soon" } }\n}\n')
  const { code, out } = await cli(['validate', '--json'], { cwd })
  t.equal(code, 78)
  const { ok, faults } = JSON.parse(out)
  t.equal(ok, false)
  t.match(faults.map(({ line, pointer }: { line: number, pointer: string }) => [line, pointer]).toSorted(), [[2,
    '/server/hots'], [3, '/tasks/echo/timeout']])
})

t.test('validate and test list every fault of a file', async t => {
  const cwd = place(t, { tasks: { fine: { trigger_args: { hour: 25, minute: 61 } } } }, {
    'many.mjs': "export default { id: 'many', func: 5, timeot: 3, priority: 'urgnt' }\n",
    'head.sh': '#!/bin/sh\n# offpeak: timeout = soon\n# offpeak: priority = urgnt\n',
    'fine.mjs': "export default { id: 'fine', func: () => 1, trigger: 'cron', trigger_args: { hour: 3 } }\n"
  })
  const { code, out } = await cli(['validate'], { cwd })
  t.equal(code, 1)
  t.match(out, /many\.mjs:1 \/default\/func: found 5, expected a function\n/)
  t.match(out, /many\.mjs:1 \/default\/timeot: unknown key 'timeot': did you mean 'timeout'\?\n/)
  t.match(out, /many\.mjs:1 \/default\/priority: found 'urgnt', expected one of/)
  t.match(out, /head\.sh:2 \/timeout: found 'soon'/)
  t.match(out, /head\.sh:3 \/priority: found 'urgnt'/)
  t.match(out, /\S*config\.json:1:\d+ \/tasks\/fine\/trigger_args\/hour: found '25'/,
    'a fault of an override is reported in config.json')
  t.match(out, /\n6 faults found\.\n$/)
  t.match((await cli(['test', 'backgroundtask/many.mjs'], { cwd })).err,
    /\/default\/func found 5[^]*\/default\/timeot unknown key|\/default\/timeot unknown key[^]*\/default\/func found 5/)
})

t.test('validate reports settings of an unknown task', async t => {
  const { code, out } = await cli(['validate'], { cwd: place(t, { tasks: { ehco: { enabled: false } } }) })
  t.equal(code, 1)
  t.match(out, /config\.json:1:\d+ \/tasks\/ehco: No task has the id 'ehco'/)
})

t.test('validate reports a dependency on an unknown task, in its file and in config.json', async t => {
  const cwd = place(t, { tasks: { laid: { depends_on: [{ task: 'goen' }] } } }, {
    'own.mjs': "export default { id: 'own', func: () => 1, depends_on: [{ task: 'laid' }, { task: 'lade' }] }",
    'laid.mjs': "export default { id: 'laid', func: () => 1 }"
  })
  const { code, out } = await cli(['validate'], { cwd })
  t.equal(code, 1)
  t.match(out, /own\.mjs \/depends_on\/1\/task: No task has the id 'lade', on which 'own' depends\n {2}Correct the id/)
  t.match(out, /config\.json:1:\d+ \/tasks\/laid\/depends_on\/0\/task: No task has the id 'goen'/)
  t.match(out, /\n2 faults found\.\n$/)
})

t.test('preview shows the next fires of a task or of a crontab string', async t => {
  const cwd = place(t)
  const task = JSON.parse((await cli(['preview', 'echo', '--count', '2', '--json'], { cwd })).out)
  t.match(task, { words: 'At 03:00, every day (UTC)', fires: [/T03:00:00\.000Z$/, /T03:00:00\.000Z$/] })
  const line = await cli(['preview', '30 4 * * *', '--timezone', 'Europe/Rome'], { cwd })
  t.match(line, {
    code: 0,
    out: /^At 04:30, every day \(Europe\/Rome\)\n( {2}\d{4}-\d\d-\d\d 0[23]:30:00 +in .*\n){5}$/
  })
  t.match(await cli(['preview', '61 * * * *'], { cwd }), { code: 1, err: /^offpeak: / })
  t.match(await cli(['preview', '*/60 * * * *'], { cwd }), { code: 1, err: /cron takes 0 alone, which is written 0/ })
  t.match(await cli(['preview', '0 0 */2 * 1'], { cwd }), {
    out: /every 2 days in a month or on Monday/,
    err: /^cron starts this line on days that match both day fields; `offpeak import crontab` keeps that\.$/m
  })
})

/** An engine that keeps the schedule of `beat`, with the function that stores when it fires next. */
async function keptSchedule (cwd: string, anchor: number) {
  const engine = createSqliteEngine({ folder: join(cwd, 'data') })
  await engine.start()
  const schedule = {
    id: 'beat',
    task: 'beat',
    origin: 'file',
    trigger: 'interval',
    trigger_args: { minutes: 45 },
    timezone: 'UTC',
    payload: null,
    anchor,
    cursor: anchor,
    nominal_at: anchor + 45 * MINUTE,
    created_at: anchor,
    created_by: 'file'
  } as const
  const plan = (next: number, args: Schedule['trigger_args'] = { minutes: 45 }) =>
    engine.plan([{
      schedule: { ...schedule, trigger_args: args, next_at: next },
      from: null,
      fires: [],
      overlap: 'skip',
      now: anchor
    }])
  return { engine, plan }
}

t.test('preview shows the next fires of a stored schedule: an interval keeps its phase', async t => {
  const cwd = place(t, {}, {
    'beat.mjs': `export default { id: 'beat', trigger: 'interval', trigger_args: { minutes: 45 }, timezone: 'UTC',
      func: () => 1 }`
  })
  const preview = async () =>
    (JSON.parse((await cli(['preview', 'beat', '--count', '3', '--json'], { cwd })).out) as { fires: string[] }).fires
      .map(at => Date.parse(at))
  const anchor = Date.now() - 20 * MINUTE
  const { engine, plan } = await keptSchedule(cwd, anchor)
  await plan(anchor + 45 * MINUTE)
  t.strictSame(await preview(), [45, 90, 135].map(minutes => anchor + minutes * MINUTE),
    'also while the folder is in use')
  await plan(anchor + 50 * MINUTE)
  t.strictSame(await preview(), [50, 90, 135].map(minutes => anchor + minutes * MINUTE),
    'a fire that was moved or is late comes when it was put')
  t.match((await cli(['start', '--display-only'], { cwd })).out,
    /beat +enabled +every 45 minutes +in (30 m|29 m \d+ s)/)
  await plan(anchor + 45 * MINUTE, { minutes: 10 })
  await engine.stop()
  const before = Date.now()
  const [first] = await preview()
  t.ok(first! >= before + 45 * MINUTE, 'what the file says again begins now')
})

t.test('test runs a task once in this process, and exits as the task ended', async t => {
  const cwd = place(t)
  const echo = await cli(['test', 'backgroundtask/echo.mjs', '--payload', '{"a":1}'], { cwd })
  t.match(echo, { code: 0, out: /^echo completed\n\{\n {2}"a": 1\n\}\n$/, err: /info +received[^]*100 % 2\/2 words/ })
  const more = (id: string) => cli(['test', 'backgroundtask/more.mjs', '--task', id, '--json'], { cwd })
  t.match(await more('fails'), { code: 1, out: /"message": "it broke"/ })
  t.match(await more('skips'), { code: 4, out: /nothing to do/ })
  t.match(await cli(['test', 'backgroundtask/more.mjs'], { cwd }), {
    code: 2,
    err: /defines fails, skips, stays, deaf\n {2}Name one/
  })
  t.match(await cli(['test', 'nowhere.mjs'], { cwd }), { code: 2, err: /There is no file nowhere\.mjs/ })
})

t.test('without a server enable and disable change the file, and other commands fail', async t => {
  const cwd = place(t)
  t.match(await cli(['disable', 'echo'], { cwd }), {
    code: 0,
    out: /echo is disabled in the configuration; no server is running/
  })
  t.equal(JSON.parse(readFileSync(join(cwd, 'config.json'), 'utf8')).tasks.echo.enabled, false)
  t.match(await cli(['disable', 'ehco'], { cwd }), { code: 2, err: /No task has the id 'ehco'/ })
  t.match(await cli(['tasks'], { cwd }), {
    code: 1,
    err: /^offpeak: No offpeak answers at .*\n {2}Start it with `offpeak start`/
  })
})

t.test('an unknown command exits with 2', async t => {
  t.match(await cli(['tsaks'], { cwd: t.testdir({}) }), {
    code: 2,
    err: /unknown command 'tsaks'\n\(Did you mean tasks\?\)/
  })
  t.match(await cli(['runs', '--limit', 'many'], { cwd: t.testdir({}) }), {
    code: 2,
    err: /--limit is 'many': expected a whole number from 1 to 200/
  })
  t.match(await cli(['--version'], { cwd: t.testdir({}) }), { code: 0, out: /^\d+\.\d+\.\d+/ })
})

t.test('on an old Node the command starts its own, or says what to do', async t => {
  const old = ['--import',
    'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.1.0"}})']
  const cwd = t.testdir({})
  t.match(await cli(['--version'], { cwd, node: old }), { code: 0, out: /^\d+\.\d+\.\d+\n$/ })
  t.match(await cli(['runs', '--limit', 'many'], { cwd, node: old }), { code: 2 }, 'the exit code is passed on')
  t.match(await cli(['--version'], { cwd, node: old, env: { OFFPEAK_RELAUNCHED: '1' } }), {
    code: 1,
    err: /^offpeak needs Node 26 or later.*\n$/
  })
})

t.test('validate warns of an enabled task without a required setting', async t => {
  const body = (id: string, more: string) =>
    `{ id: '${id}', func: () => 1, trigger: '@daily',
      input: { type: 'object', configured: ['root'], properties: { root: { type: 'string' } } }${more} }`
  const cwd = place(t, { tasks: { tidy: { enabled: true } } }, {
    'need.mjs': `export const TASK_DEFINITIONS = [${body('tidy', ', enabled: false')}, ${
      body('off', ', enabled: false')
    }, ${body('set', ", payload: { root: '/x' }")}]`
  })
  const { code, out } = await cli(['validate'], { cwd })
  t.equal(code, 0)
  t.match(out, new RegExp(
    String.raw`^warning: \S*config\.json:1:\d+ /tasks/tidy/payload/root: Task 'tidy' is not set up: ` +
      String.raw`tasks\.tidy\.payload\.root of config\.json is missing\n {2}Set it in config\.json.*\n` +
      String.raw`off: disabled\nThe configuration and 3 tasks are valid; 1 warning\.\n$`
  ))
  const { ok, warnings } = JSON.parse((await cli(['validate', '--json'], { cwd })).out)
  t.match([ok, warnings.length, warnings[0]], [true, 1, {
    code: 'OFFPEAK_TASK_UNCONFIGURED',
    pointer: '/tasks/tidy/payload/root',
    line: 1
  }])
})

t.test('validate lists the tasks that do not start runs by themselves', async t => {
  const cwd = place(t, {}, {
    'rest.mjs': `export const TASK_DEFINITIONS = [
      { id: 'off', func: () => 1, trigger: '@daily', enabled: false },
      { id: 'asked', func: () => 1 }, { id: 'other', func: () => 1 },
      { id: 'never', func: () => 1, trigger: '30 2 30 2 *' }, { id: 'daily', func: () => 1, trigger: '@daily' }]`
  })
  const { code, out } = await cli(['validate'], { cwd })
  t.equal(code, 0)
  t.match(out, new RegExp(
    '^never: the trigger never fires: .*\n' +
      'asked, other: no trigger, runs on request\noff: disabled\nThe configuration and 5 tasks are valid\\.\n$'
  ))
  const { ok, notes } = JSON.parse((await cli(['validate', '--json'], { cwd })).out)
  t.equal(ok, true)
  t.match(notes, [{ task: 'asked', code: 'no_trigger' }, { task: 'never', code: 'never_fires', file: /rest\.mjs$/ }, {
    task: 'off',
    code: 'task_disabled'
  }, { task: 'other', code: 'no_trigger' }])
})

t.test('validate warns of an environment without a file, and of a script with a misspelt header', async t => {
  const cwd = place(t, {}, { 'late.sh': '#!/bin/sh\n# ofpeak: schedule = @daily\n' })
  writeFileSync(join(cwd, 'config.prod.json'), '{}')
  const { code, out } = await cli(['validate'], { cwd, env: { OFFPEAK_ENV: 'prd' } })
  t.equal(code, 0)
  t.match(out, /^warning: .*The environment is 'prd', and there is no config\.prd\.json\n {2}Did you mean 'prod'\?$/m)
  t.match(out, /^warning: late\.sh: it is not a task: line 2 is not a header: found '# ofpeak: schedule = @daily'$/m)
})
