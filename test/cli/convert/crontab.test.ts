import * as fc from 'fast-check'
import t from 'tap'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileTrigger } from '../../../core/model/trigger.ts'
import { commandName } from '../../../core/cli/convert/command-name.ts'
import { convertCrontab } from '../../../core/cli/convert/crontab.ts'
import type { Converted } from '../../../core/cli/convert/converted.ts'

const convert = (text: string, more: object = {}) =>
  convertCrontab({ text, system: false, user: 'ann', zone: 'UTC', tasks: 'UTC', ...more })

const here = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8')

interface Calendar {
  utc: [string, string]
  zoned: [string, string]
  jobs: [string, number, string][]
}

/** The fires of a task from one instant up to another, in seconds. */
function firesOf ({ fields }: Converted, [from, to]: [string, string]): number[] {
  const { schedule, trigger: kind = schedule, trigger_args: args, timezone = 'UTC' } = fields as Record<string, never>
  if (kind === undefined) return []
  const trigger = compileTrigger({ trigger: kind, trigger_args: args, timezone }, 0)
  const fires: number[] = []
  for (let at = trigger.next(Date.parse(from) - 1); at !== null && at < Date.parse(to); at = trigger.next(at)) {
    fires.push(at / 1000)
  }
  return fires
}

t.test('lines of public crontabs fire at the minutes at which cronie starts them', async t => {
  const { utc, zoned, jobs } = JSON.parse(here('public-calendar.json')) as Calendar
  const { tasks, refused } = convert(here('public.crontab'))
  t.strictSame(refused, [])
  t.equal(tasks.length, jobs.length)
  for (const [index, task] of tasks.entries()) {
    const fires = firesOf(task, task.fields.timezone === undefined ? utc : zoned)
    const hash = createHash('sha256').update(fires.join(',')).digest('hex').slice(0, 16)
    t.strictSame([task.body.trimEnd().split('\n').at(-1), fires.length, hash], jobs[index], task.from)
  }
})

const BOUNDS = [[0, 59], [0, 23], [1, 31], [1, 12], [0, 7]] as const
const DAY = 86_400

/** The values of a field as cronie sets their bits: from the first to the last one, by the step. */
function bitsOf (field: string, [least, most]: readonly [number, number]): Set<number> {
  return new Set(field.split(',').flatMap(part => {
    const [range = '', step = '1'] = part.split('/')
    const [from, to = from] = range === '*' ? [least, most] : range.split('-').map(Number) as [number, number?]
    const values: number[] = []
    for (let value = from; value <= to!; value += Number(step)) values.push(value)
    return values
  }))
}

/** The minutes at which cronie starts a line, in UTC: a field of days that begins with a star makes both apply. */
function startsOf (line: string, [from, to]: [number, number]): number[] {
  const fields = line.split(' ').slice(0, 5)
  const [minutes, hours, days, months, weekdays] = fields.map((field, index) => bitsOf(field, BOUNDS[index]!)) as [
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>
  ]
  const isBoth = fields[2]!.startsWith('*') || fields[4]!.startsWith('*')
  const starts: number[] = []
  for (let day = from; day < to; day += DAY) {
    const date = new Date(day * 1000)
    const dom = days.has(date.getUTCDate())
    const dow = weekdays.has(date.getUTCDay()) || (date.getUTCDay() === 0 && weekdays.has(7))
    if (!months.has(date.getUTCMonth() + 1) || !(isBoth ? dom && dow : dom || dow)) continue
    for (const hour of [...hours].toSorted((a, b) => a - b)) {
      for (const minute of [...minutes].toSorted((a, b) => a - b)) starts.push(day + hour * 3600 + minute * 60)
    }
  }
  return starts
}

function drawField ([least, most]: readonly [number, number]) {
  const value = fc.integer({ min: least, max: most })
  const range = fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`)
  const by = (text: fc.Arbitrary<string>) =>
    fc.tuple(text, fc.integer({ min: 1, max: most + 3 })).map(([from, step]) => `${from}/${step}`)
  const part = fc.oneof(fc.constant('*'), value.map(String), range, by(fc.constant('*')), by(range))
  return fc.oneof({ arbitrary: fc.constant('*'), weight: 3 }, { arbitrary: part, weight: 4 }, {
    arbitrary: fc.array(part, { minLength: 2, maxLength: 3 }).map(parts => parts.join(',')),
    weight: 1
  })
}

t.test('any line fires at the minutes of the rule of crontab(5), also with stars and long steps', async () => {
  const [from, to] = [Date.UTC(2026, 0, 28) / 1000, Date.UTC(2026, 2, 10) / 1000]
  const drawLine = fc.tuple(...BOUNDS.map(drawField)).map(fields => fields.join(' '))
  fc.assert(fc.property(drawLine, line => {
    const { tasks: [task] } = convert(`${line} x`)
    const fires = firesOf(task!, [new Date(from * 1000).toISOString(), new Date(to * 1000).toISOString()])
    return fires.join() === startsOf(line, [from, to]).join()
  }), { numRuns: 100 })
})

t.test('what cron reads otherwise than it looks is written down', async t => {
  const remarks = (line: string) => convert(`${line} x`).tasks[0]!.remarks
  t.match(remarks('*/60 * * * *'), ['*/60 is 0 alone, as in cron: its step is larger than its range'])
  t.match(remarks('5/15 * * * *'), ['5/15 is 5-59/15 here; cronie refuses it, other crons take its first value'])
  t.strictSame(remarks('*/15 0-8/2 */2 * 1'), [])
})

t.test('settings apply to the lines below them', async t => {
  const { tasks, notes } = convert(`0 1 * * * first
A=1
B = " two  words "
C='$A'
0 2 * * * second
A=3
CRON_TZ=Europe/Rome
SHELL=/bin/bash
0 3 * * * third
RANDOM_DELAY=5
0 4 * * * fourth
`)
  t.strictSame(tasks.map(({ fields }) => fields.env), [undefined, { A: '1', B: ' two  words ', C: '$A' }, {
    A: '3',
    B: ' two  words ',
    C: '$A'
  }, { A: '3', B: ' two  words ', C: '$A' }])
  t.strictSame(tasks.map(({ fields }) => fields.timezone), [undefined, undefined, 'Europe/Rome', 'Europe/Rome'])
  t.strictSame(tasks.map(({ shell }) => shell), ['/bin/sh', '/bin/sh', '/bin/bash', '/bin/bash'])
  t.strictSame(tasks.map(({ fields }) => fields['trigger_args.jitter']), [undefined, undefined, undefined, 300])
  t.strictSame(notes, [])
  t.match(convert('MAILTO=ann@example.org\nMAILTO=""\nTZ=Asia/Tokyo\n').notes, [
    { line: 1, message: /not mailed to ann@example.org/ },
    { line: 3, message: /zone of the commands/ }
  ])
})

t.test('the zone is written when tasks have another one by default', async t => {
  const zoneOf = (zone: string, tasks: string) => convert('0 1 * * * x', { zone, tasks }).tasks[0]!.fields.timezone
  t.equal(zoneOf('Europe/Rome', 'Europe/Rome'), undefined)
  t.equal(zoneOf('Europe/Rome', 'UTC'), 'Europe/Rome')
})

t.test('a percent sign ends the command, later ones end lines of its input', async t => {
  const body = (command: string, text = '') => convert(`${text}0 1 * * * ${command}\n`).tasks[0]!.body
  t.equal(body('date +\\%Y-\\%m'), 'cd "$HOME" || exit\ndate +%Y-%m\n')
  t.equal(body('mail ann%Hi,%%bye%'), `cd "$HOME" || exit\n{\nmail ann\n} <<'END_OF_INPUT'\nHi,\n\nbye\nEND_OF_INPUT\n`)
  t.equal(body('a\\%b%c\\%d'), `cd "$HOME" || exit\n{\na%b\n} <<'END_OF_INPUT'\nc%d\nEND_OF_INPUT\n`)
  t.equal(body('a%'), 'cd "$HOME" || exit\na\n')
  t.equal(body("echo 'it'", 'SHELL=/usr/bin/fish\n'), `cd "$HOME" || exit\n/usr/bin/fish -c 'echo '\\''it'\\'''\n`,
    'another shell is started as cron starts it')
  t.match(convert('0 1 * * * a%# offpeak: enabled = true').refused, [{ message: /read as a part of the script/ }])
})

t.test('a line that cannot be kept is refused with its number and reason', async t => {
  const lines: [string, RegExp][] = [
    ['0 0 L * * x', /day: found 'L'/],
    ['0 9 15W * * x', /day: found '15W'/],
    ['H/15 * * * * x', /minute: found 'H'/],
    ['@every 1h30m x', /found '@every'/],
    ['0 22-2 * * * x', /hour: found '22-2'/],
    ['60 * * * * x', /minute: found '60'/],
    ['0 0 * *', /expected five fields/],
    ['0 0 * * *', /expected five fields/],
    ['0 0 * * *  ', /no command/],
    ['hello', /expected five fields/]
  ]
  const { tasks, refused } = convert(lines.map(([line]) => line).join('\n'))
  t.strictSame(tasks, [])
  t.equal(refused.length, lines.length)
  for (const [index, [, expected]] of lines.entries()) {
    t.equal(refused[index]!.line, index + 1)
    t.match(refused[index]!.message, expected)
  }
})

t.test('@reboot starts with offpeak, and every other trait of cron is written down', async t => {
  const { tasks: [boot, daily] } = convert('@reboot x\n-@daily -n y\n')
  t.match(boot, { fields: { run_on_start: true, schedule: undefined }, remarks: [/not only when the machine does/] })
  t.match(convert('@daily -n y\n').tasks[0], { fields: { schedule: '@daily' }, body: /\ny\n$/, remarks: [/mailed/] })
  t.strictSame(daily, undefined)
  t.strictSame(convert('-0 1 * * * y\n').tasks[0]!.fields, {
    schedule: '0 1 * * *',
    misfire: 'skip',
    overlap: 'allow',
    max_retries: 0,
    timeout: 0
  })
})

t.test('a system crontab names users', async t => {
  const text = '17 * * * * root cd / && run-parts /etc/cron.hourly\n0 1 * * * ann x\n'
  const { tasks } = convert(text, { system: true })
  t.match(tasks[0], { name: 'run-parts', body: /cd \/ && run-parts/, remarks: [/runs as ann, .* not as root/] })
  t.strictSame(tasks[1]!.remarks, [])
  t.match(convert(text).tasks[0]!.remarks, [/--system/])
})

t.test('a task is named after the program of its line', async t => {
  const names: [string, string][] = [
    ['/usr/local/bin/backup.sh --all', 'backup'],
    ['cd /opt/app && /opt/app/.venv/bin/python /opt/app/daily_run.py --x >> /var/log/x.log 2>&1', 'daily_run'],
    ['test -x /usr/sbin/anacron || run-parts --report /etc/cron.daily', 'run-parts'],
    ['A=b nice -n 19 ionice -c3 flock -n /tmp/x.lock rsync -a /a /b', 'rsync'],
    ['if [ -f /x ]; then /opt/Über Fix.sh; fi', 'ber'],
    ['pg_dump -U ann db | gzip > /backups/$(date).gz', 'pg_dump'],
    ['"/opt/my tool" x', 'my_tool'],
    ['$HOME/bin/copy_photos.sh', 'copy_photos'],
    ['${HOME}/bin/sync -q', 'sync'],
    ['nice $LEVEL backup', 'backup'],
    ['> /dev/null', 'cron_line_3']
  ]
  for (const [command, name] of names) t.equal(commandName(command, 'cron_line_3'), name, command)
  t.strictSame(convert('0 1 * * * a\n0 2 * * * a\n0 3 * * * a\n').tasks.map(({ name }) => name), ['a', 'a_2', 'a_3'])
})

t.test('an empty CRON_TZ is the zone of cron again', async t => {
  const settings = ['CRON_TZ=Europe/Rome', 'CRON_TZ=', 'CRON_TZ=""']
  const { tasks, refused } = convert(settings.map(setting => `${setting}\n0 1 * * * a\n`).join(''))
  t.strictSame(refused, [])
  t.strictSame(tasks.map(({ fields }) => fields.timezone), ['Europe/Rome', undefined, undefined])
})
