import t from 'tap'
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cli, place, serve } from './setup.ts'
import { until } from '../load/until.ts'

const MINE = { 'mine.mjs': "export default { id: 'mine', func: () => 1, trigger: '@daily' }" }
const configIn = (cwd: string) => JSON.parse(readFileSync(join(cwd, 'config.json'), 'utf8'))

t.test('a server lists the built-in tasks that are off, and enable turns one on at once', async t => {
  const cwd = place(t, {}, MINE)
  const { url } = await serve(t, [], { cwd })
  const ask = (...words: string[]) => cli(words, { cwd })
  t.match((await ask('tasks')).out, /^mine .*\n15 built-in tasks off: offpeak tasks --all\n$/m)
  const all = (await ask('tasks', '--all')).out
  t.match(all,
    /\nBUILT-IN, OFF +WHAT IT DOES\nbackup_data +packs a folder [^]*\noffpeak enable <task> turns one on\.\n$/)
  t.match(await ask('run', 'heartbeat'), {
    code: 2,
    err: /'heartbeat' is off\n {2}Turn it on with `offpeak enable hear/
  })
  t.match(await ask('enable', 'hartbeat'), { code: 2, err: /Did you mean 'heartbeat'\?/ })
  t.match(await ask('enable', 'heartbeat'), { code: 0, out: 'heartbeat is enabled\n' })
  t.match(configIn(cwd), { builtin: { heartbeat: { enabled: true } } })
  t.match(await ask('run', 'heartbeat', '--wait'), { code: 0, out: /"uptime"/ })
  t.match((await ask('tasks')).out, /^heartbeat .*\n[^]*14 built-in tasks off/m)
  const unset = /warning: .*builtin\.backup_data\.payload\.source of config\.json is missing\. Set it in config\.json/
  t.match((await ask('enable', 'backup_data')).out, unset)
  t.match((await ask('tasks')).out, unset)
  t.notMatch((await ask('disable', 'backup_data')).out, /warning/)
  const listed = await (await fetch(`${url}/api/builtin`)).json() as { id: string, on: boolean }[]
  t.strictSame(listed.filter(({ on }) => on).map(({ id }) => id), ['backup_data', 'heartbeat'])
})

t.test('without a server enable writes the section, and validate checks it', async t => {
  const cwd = place(t, {}, MINE)
  t.match(await cli(['enable', 'backup_data'], { cwd }), {
    code: 0,
    out: /^backup_data is enabled in the configuration/
  })
  t.match(configIn(cwd), { builtin: { backup_data: { enabled: true } } })
  t.match(await cli(['validate'], { cwd }), {
    code: 0,
    out:
      /warning: .*config\.json:\d+:\d+ \/builtin\/backup_data\/payload\/source: .*builtin\.backup_data\.payload\.source/
  })
  writeFileSync(join(cwd, 'config.json'), '{\n  "builtin": { "backup": {}, "heartbeat": {} }\n}\n')
  writeFileSync(join(cwd, 'backgroundtask/beat.mjs'), "export default { id: 'heartbeat', func: () => 1 }")
  const { code, out } = await cli(['validate'], { cwd })
  t.equal(code, 1)
  t.match(out, /config\.json:2:\d+ \/builtin\/backup: No built-in task has the id 'backup'\n {2}/)
  t.match(out, /warning: .*config\.json:2:\d+ \/builtin\/heartbeat: .*has no effect: beat\.mjs defines the task/)
})

t.test('backups are listed in a folder whose configuration does not name the task', async t => {
  const cwd = place(t, {}, {})
  mkdirSync(join(cwd, 'backups'))
  t.match(await cli(['restore'], { cwd }), { code: 0, out: /^There are no backups of backup_data in .*backups\b/ })
})

t.test('eject copies a task with its helpers, which takes over with the settings of the built-in one', async t => {
  const cwd = place(t, { builtin: { heartbeat: { payload: { ping_timeout: 7 } } } }, MINE)
  const { url } = await serve(t, [], { cwd })
  const source = async () => (await (await fetch(`${url}/api/tasks/heartbeat`)).json() as { source: string }).source
  t.equal(await source(), 'builtin:heartbeat.ts')
  const { code, out, err } = await cli(['eject', 'heartbeat'], { cwd })
  t.match({ code, err }, { code: 0, err: '' })
  t.match(out, /^Written: backgroundtask\/heartbeat\.ts, and 3 helpers in backgroundtask\/_heartbeat\n/)
  t.match(out,
    /moved from builtin\.heartbeat to tasks\.heartbeat\.\nNext:\n {2}offpeak test backgroundtask\/heartbeat\.ts\n$/)
  t.match(configIn(cwd), { builtin: {}, tasks: { heartbeat: { enabled: true, payload: { ping_timeout: 7 } } } })
  await until(async () => await source() === 'heartbeat.ts')
  t.match(await cli(['run', 'heartbeat', '--wait'], { cwd }), { code: 0, out: /"uptime"/ })
  t.match(await (await fetch(`${url}/api/health`)).json(), { broken: [], config: { warnings: [] } })
})

t.test('the copy of a task that is off stays off until it is enabled', async t => {
  const cwd = place(t, { tasks: { disk_report: { enabled: true } } }, MINE)
  const { url } = await serve(t, [], { cwd })
  const { out } = await cli(['eject', 'heartbeat'], { cwd })
  t.match(out, /\n {2}offpeak enable heartbeat\n$/)
  const found = async () => await (await fetch(`${url}/api/tasks/heartbeat`)).json() as { status: unknown }
  await until(async () => typeof (await found()).status === 'string')
  t.match(await found(), { status: 'disabled', next_run: null })
  t.match(await cli(['enable', 'heartbeat'], { cwd }), { code: 0 })
  await until(async () => (await found()).status === 'scheduled')
  await cli(['eject', 'disk_report'], { cwd })
  t.match(configIn(cwd).tasks, { disk_report: { enabled: true } }, 'nothing changes what is set')
})

t.test('a copy runs in a process of its own, and names its settings below tasks', async t => {
  const cwd = place(t, {}, {})
  const { files } = JSON.parse((await cli(['eject', 'backup_data', '--json'], { cwd })).out) as { files: string[] }
  t.equal(files.at(-1), join(cwd, 'backgroundtask/backup_data.ts'))
  t.strictSame(readdirSync(join(cwd, 'backgroundtask/_backup_data')), ['_backup', '_files', '_task'])
  t.notMatch(files.map(file => readFileSync(file, 'utf8')).join(''), /core\/index/)
  t.match(await cli(['test', 'backgroundtask/backup_data.ts'], { cwd }), {
    out: /^backup_data skipped: .*set tasks\.backup_data\.payload\.source/
  })
  t.notMatch((await cli(['eject', 'sync_folder'], { cwd })).out, /npm install/)
  t.match((await cli(['eject', 'send_email'], { cwd })).out, /\nNext:\n {2}npm install nodemailer\n/)
  t.match(await cli(['eject', 'disk_report'], { cwd }), { code: 0, out: /^Written: backgroundtask\/disk_report\.sh\n/ })
  t.match(await cli(['test', 'backgroundtask/disk_report.sh'], { cwd }), { code: 0, out: /"fullest"/ })
})

t.test('eject that was killed midway is repeated', async t => {
  const cwd = place(t, { builtin: { heartbeat: { payload: { ping_timeout: 7 } } } }, MINE)
  const whole = place(t, { builtin: { heartbeat: { payload: { ping_timeout: 7 } } } }, MINE)
  await cli(['eject', 'heartbeat'], { cwd: whole })
  const [from, to] = [join(whole, 'backgroundtask'), join(cwd, 'backgroundtask')]
  // The helpers and the draft are there; then the settings too.
  cpSync(join(from, '_heartbeat'), join(to, '_heartbeat'), { recursive: true })
  writeFileSync(join(to, '.heartbeat.ts'), 'half')
  rmSync(join(to, '_heartbeat/_net/web.ts'))
  for (const config of [{}, configIn(whole)]) {
    if ('tasks' in config) writeFileSync(join(cwd, 'config.json'), JSON.stringify(config))
    t.match(await cli(['eject', 'heartbeat'], { cwd }), { code: 0, out: /Written: backgroundtask\/heartbeat\.ts/ })
    t.strictSame(readdirSync(to, { recursive: true }).toSorted(), readdirSync(from, { recursive: true }).toSorted())
    t.match(configIn(cwd), { tasks: { heartbeat: { enabled: true, payload: { ping_timeout: 7 } } } })
    rmSync(join(to, 'heartbeat.ts'))
  }
  writeFileSync(join(to, '_heartbeat/_net/web.ts'), '// mine')
  t.match(await cli(['eject', 'heartbeat'], { cwd }), { code: 2, err: /web\.ts exists already: nothing was copied/ })
})

t.test('settings in the file of an environment are not moved, which eject says', async t => {
  const cwd = place(t, {}, MINE)
  writeFileSync(join(cwd, 'config.prod.json'), '{ "builtin": { "heartbeat": {} } }')
  t.match((await cli(['eject', 'heartbeat', '--env', 'prod'], { cwd })).out,
    /settings in config\.prod\.json are below builtin\.heartbeat, where they have no effect now: move them to tasks\./)
})

t.test('eject overwrites nothing, and refuses what is not a built-in task', async t => {
  const cwd = place(t, {}, {
    ...MINE,
    'rotate_logs.ts': 'mine',
    'beat.mjs': MINE['mine.mjs'].replace('mine', 'heartbeat')
  })
  const refused = async (id: string, err: RegExp) => t.match(await cli(['eject', id], { cwd }), { code: 2, err })
  await refused('rotate_logs', /rotate_logs\.ts exists already: nothing was copied\n {2}Rename or remove it/)
  await refused('heartbeat', /The task 'heartbeat' is yours already, in beat\.mjs\n {2}Edit that file/)
  await refused('hartbeat', /no built-in task 'hartbeat'\n {2}Did you mean 'heartbeat'/)
  await refused('mine', /no built-in task 'mine'\n {2}The built-in tasks are backup_data, /)
  t.strictSame(readdirSync(join(cwd, 'backgroundtask')).toSorted(), ['beat.mjs', 'mine.mjs', 'rotate_logs.ts'])
  t.match(await cli(['new', 'send_email'], { cwd }), { code: 2, err: /built-in task\n {2}.*offpeak eject send_email/ })
})

t.test('enable and eject are completed with the built-in tasks', async t => {
  const cwd = place(t, {}, MINE)
  await serve(t, [], { cwd })
  t.match((await cli(['completion', 'words', '--', 'enable', 'heart'], { cwd })).out, /^heartbeat$/m)
  t.notMatch((await cli(['completion', 'words', '--', 'run', 'heart'], { cwd })).out, /heartbeat/)
})
