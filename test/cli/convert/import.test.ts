import t from 'tap'
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cli, place } from '../setup.ts'

const CRONTAB = `MAILTO=ann@example.org
GREETING="hello world"
# backups
30 2 * * * echo "$GREETING" %from cron%twice
0 0 L * * last
@reboot boots
15 3 */2 * 1 odd_mondays
`

t.test('a crontab becomes disabled tasks, line by line', async t => {
  const cwd = place(t, {}, {})
  writeFileSync(join(cwd, 'tab'), CRONTAB)
  const { code, out } = await cli(['import', 'crontab', 'tab'], { cwd })
  t.equal(code, 1, 'a line could not be imported')
  const lines = out.split('\n')
  t.match(lines[0], /^line 1: MAILTO=/)
  t.match(lines[1], /^ {2}not kept: output is not mailed to ann/)
  t.match(lines[2], /^line 4: 30 2 /)
  t.match(lines[3], /^ {2}backgroundtask\/echo\.sh: At 02:30, every day \(UTC\)/)
  t.match(out, /line 5: 0 0 L \* \* last\n {2}not imported: day: found 'L'/)
  t.match(out, /\n3 tasks imported, disabled\. Review each file.*runs twice\.\n$/)
  const file = join(cwd, 'backgroundtask', 'echo.sh')
  t.equal(statSync(file).mode & 0o777, 0o755)
  t.match(readFileSync(file, 'utf8'), /^#!\/bin\/sh\n# Imported: 30 2 \* \* \* echo.*\n# offpeak: schedule = 30 2/)
  const { tasks } = JSON.parse((await cli(['import', 'crontab', 'tab', '--json'], { cwd })).out)
  t.match(tasks.map((one: { id: string, written: boolean }) => [one.id, one.written]), [['echo', false], ['boots',
    false], ['odd_mondays', false]], 'a file that exists is kept')
  t.match(await cli(['validate'], { cwd }), { code: 0, out: /3 tasks are valid/ })
  const fires = JSON.parse((await cli(['preview', 'odd_mondays', '--json', '--count', '4'], { cwd })).out)
    .fires as string[]
  t.ok(fires.every(at => new Date(at).getUTCDay() === 1 && new Date(at).getUTCDate() % 2 === 1))
  const { code: ended, err, out: output } = await cli(['test', 'backgroundtask/echo.sh'], { cwd })
  t.equal(ended, 0)
  t.match(output + err, /hello world/)
})

t.test('a crontab is read from standard input, printed, and written into another folder', async t => {
  const cwd = place(t, {}, {})
  const { code, out } = await cli(['import', 'crontab', '-', '--print'], { cwd, input: '0 1 * * * x\n' })
  t.equal(code, 0)
  t.match(out, /^#!\/bin\/sh\n# Imported: 0 1 \* \* \* x\n# offpeak: schedule = 0 1 \* \* \* ; enabled = false\n/)
  t.match(await cli(['import', 'crontab', '-', '--into', 'others', '--system'], { cwd, input: '0 1 * * * root x\n' }), {
    code: 0,
    out: /others\/x\.sh/
  })
  for (const kind of ['crontab', 'systemd']) {
    const err = /^offpeak: There is no file \S*none\.timer\n$/
    t.match(await cli(['import', kind, 'none.timer'], { cwd }), { code: 2, err }, kind)
  }
  t.match(await cli(['import', 'fcron'], { cwd }), { code: 2, err: /'fcron' cannot be imported/ })
})

t.test('timers of a folder become tasks', async t => {
  const cwd = place(t, {}, {})
  const put = (name: string, text: string) => writeFileSync(join(cwd, name), text)
  put('photos.timer', '[Timer]\nOnCalendar=Mon..Fri 18:30\nPersistent=yes\n')
  put('photos.service', '[Service]\nExecStart=/bin/echo copied\nUser=ann\n')
  put('odd.timer', '[Timer]\nOnCalendar=daily\nUnit=missing.service\n')
  const { code, out } = await cli(['import', 'systemd', '.'], { cwd })
  t.equal(code, 1)
  t.match(out, /photos\.timer\n {2}backgroundtask\/photos\.sh: .*18:30.*\n {2}not kept: User=ann/)
  t.match(out, /odd\.timer\n {2}not imported: its service missing\.service does not exist/)
  t.match(await cli(['validate'], { cwd }), { code: 0, out: /1 task are valid|1 task (?:is|are) valid/ })
  t.match(await cli(['test', 'backgroundtask/photos.sh'], { cwd }), { code: 0 })
})

t.test('a timer that cannot be read is named, a masked one too, and the others are imported', async t => {
  const cwd = place(t, {}, {})
  const put = (name: string, text: string) => writeFileSync(join(cwd, name), text)
  const link = (target: string, name: string) => symlinkSync(target, join(cwd, name))
  link('/gone/away.timer', 'away.timer')
  link('/dev/null', 'masked.timer')
  put('empty.timer', '')
  mkdirSync(join(cwd, 'folder.timer'))
  for (const name of ['quiet', 'lost', 'photos']) put(`${name}.timer`, '[Timer]\nOnCalendar=daily\n')
  link('/dev/null', 'quiet.service')
  link('/gone/lost.service', 'lost.service')
  put('photos.service', '[Service]\nExecStart=/bin/echo copied\n')
  const { code, out } = await cli(['import', 'systemd', '.'], { cwd })
  t.equal(code, 1)
  t.match(out, 'away.timer\n  not imported: it is a link to /gone/away.timer, which does not exist\n')
  t.match(out, 'folder.timer\n  not imported: it is not a file\n')
  t.match(out, 'lost.timer\n  not imported: its service lost.service is a link to /gone/lost.service')
  t.match(out, 'masked.timer\n  not kept: it is masked\n')
  t.match(out, 'empty.timer\n  not kept: it is masked\n')
  t.match(out, 'quiet.timer\n  not kept: its service quiet.service is masked\n')
  t.match(out, /photos\.timer\n {2}backgroundtask\/photos\.sh: [^]*\n1 task imported/)
  t.match(await cli(['import', 'systemd', 'masked.timer'], { cwd }), { code: 0, out: /Nothing was imported/ })
})

t.test('a line whose text would be read as a header, or is too long for one, is not imported', async t => {
  const cwd = place(t, {}, {})
  const lines = ['0 2 1 1 * # offpeak: enabled = true ; schedule = * * * * *', '0 3 * * * #offpeak: id = hello',
    `0 4 * * * echo ${'x'.repeat(100_000)}`, '0 5 * * * true # offpeak: enabled = true']
  const { code, out } = await cli(['import', 'crontab', '-'], { cwd, input: `${lines.join('\n')}\n` })
  t.equal(code, 1)
  t.equal(out.match(/not imported: its command would be read as a header of offpeak/g)?.length, 2)
  t.match(out, /not imported: it is too long: put the command into a script\n/)
  t.match(out, /\n1 task imported, disabled/)
  t.match(JSON.parse((await cli(['validate', '--json'], { cwd })).out), { ok: true, tasks: 1, warnings: [] })
})
