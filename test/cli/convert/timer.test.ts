import t from 'tap'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { convertTimer } from '../../../core/cli/convert/timer.ts'
import { execLine } from '../../../core/cli/convert/exec-line.ts'
import { nextFires } from '../../../core/model/trigger.ts'
import { onCalendar } from '../../../core/cli/convert/on-calendar.ts'
import { parseUnit, spanSeconds } from '../../../core/cli/convert/unit-file.ts'

const convert = (timer: string, service = '[Service]\nExecStart=/bin/true\n') =>
  convertTimer({ name: 'backup', timer: `[Timer]\n${timer}\n`, service, zone: 'UTC', tasks: 'UTC' })

/** Expressions that a cron trigger cannot say. */
const BEYOND = ['Mon *-05~07/1']

t.test('calendar expressions fire when systemd-analyze says', async t => {
  const text = readFileSync(join(import.meta.dirname, 'on-calendar.json'), 'utf8')
  for (const [expression, expected] of JSON.parse(text) as [string, string[] | null][]) {
    const found = onCalendar(expression)
    if (expected === null || BEYOND.includes(expression)) {
      t.equal(found, null, expression)
      continue
    }
    const fires = nextFires({
      trigger: 'cron',
      trigger_args: found!.args,
      timezone: found!.timezone ?? 'UTC',
      after: '2026-03-01T00:00:00Z',
      count: 6
    })
    t.strictSame(fires.map(at => at.replace('.000Z', 'Z')), expected, expression)
  }
  for (const wrong of ['*-*-*', 'often', '*-*-* 25:00', 'Mon Tue', '*-*-* 1:2:3:4', '*-*-* 00:00 UTC x']) {
    const made = convert(`OnCalendar=${wrong}`)
    t.equal(made.tasks.length + made.refused.length, 1, wrong)
    if (wrong !== '*-*-*') t.match(made.refused, [{ message: /OnCalendar=/ }], wrong)
  }
})

t.test('each trigger of a timer makes a task, with the traits of the timer', async t => {
  const { tasks, refused } = convert(
    'OnCalendar=daily\nOnCalendar=Mon 12:00\nPersistent=true\nRandomizedDelaySec=1h 30min'
  )
  t.strictSame(refused, [])
  t.strictSame(tasks.map(({ name }) => name), ['backup', 'backup_2'])
  t.match(tasks[0], {
    fields: { trigger: 'cron', misfire: 'run_latest', overlap: 'skip', 'trigger_args.jitter': 5400, max_retries: 0 },
    remarks: []
  })
  t.match(convert('OnBootSec=15min\nOnUnitActiveSec=1w').tasks, [{
    fields: { trigger: 'interval', trigger_args: { seconds: 604_800 }, run_on_start: true, misfire: 'skip' },
    remarks: [/counts from its last fire/]
  }])
  t.match(convert('OnStartupSec=5').tasks, [{ fields: { run_on_start: true, trigger: undefined } }])
  t.match(convert('').refused, [{ message: /no trigger/ }])
  t.match(convert('OnUnitActiveSec=soon').refused, [{ message: /soon is not a time span/ }])
})

t.test('a service becomes a script, and what has no counterpart is reported', async t => {
  const { tasks: [task] } = convert('OnCalendar=daily', `[Unit]
Description=Backup
ConditionACPower=true
OnFailure=mail.service
# a comment
[Service]
Type=oneshot
User=ann
WorkingDirectory=/srv/data
Environment="GREETING=hello world" LEVEL=3
EnvironmentFile=-/etc/default/backup
TimeoutStartSec=2h
ExecStartPre=-/bin/mkdir -p /backup
ExecStart=/usr/bin/rsync -a "my files/" \\
  \${TARGET}/x 100%% "it's"
`)
  t.match(task, {
    fields: { timeout: 7200, env: { GREETING: 'hello world', LEVEL: '3' }, 'constraints.power': 'mains' }
  })
  t.strictSame(task!.remarks, ['OnFailure=mail.service of [Unit] has no counterpart',
    'User=ann of [Service] has no counterpart'])
  t.equal(task!.body, [
    'cd /srv/data || exit',
    'set -a; [ ! -r /etc/default/backup ] || . /etc/default/backup; set +a',
    '/bin/mkdir -p /backup || true',
    `/usr/bin/rsync -a 'my files/' "\${TARGET}/x" 100% it's || exit`,
    ''
  ].join('\n').replace("it's", "'it'\\''s'"))
})

t.test('a service that a script cannot start is refused', async t => {
  t.match(convert('OnCalendar=daily', '').refused, [{ message: /no ExecStart/ }])
  t.match(convert('OnCalendar=daily', '[Service]\nExecStart=/bin/x %i\n').refused, [{
    message: /%i cannot be expressed/
  }])
  t.match(convert('OnCalendar=daily', '[Service]\nExecStart=+/bin/x\n').refused, [{ message: /cannot be expressed/ }])
})

t.test('words of a program are quoted for the shell, which changes none of them', async t => {
  const lines: [string, string | null][] = [
    ['/bin/echo $HOME ${A}b "$$x" `id`', "/bin/echo $HOME \"${A}b\" '$x' '`id`' || exit"],
    ['/bin/echo %h/x %%d', '/bin/echo "${HOME}/x" %d || exit'],
    ['/bin/echo a\\ b ; rm', "/bin/echo 'a b' ';' rm || exit"],
    ["/bin/x it's", null],
    ['@/bin/x y', null],
    ['', null]
  ]
  for (const [line, expected] of lines) t.equal(execLine(line), expected, line)
})

t.test('unit files and time spans are read as systemd reads them', async t => {
  t.strictSame(parseUnit('[A]\r\nB=1\r\nB=2\r\n; c\nC = x \\\n  y\n[D]\nE=1\nE=\n'), {
    A: { B: ['1', '2'], C: ['x y'] },
    D: { E: [] }
  })
  t.strictSame(['90', '5min', '1h 30min', '1 day', 'infinity', '5 parsecs', ''].map(spanSeconds), [90, 300, 5400,
    86_400, null, null, null])
})
