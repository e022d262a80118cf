import t from 'tap'
import { diagnose, isWell } from '../../../core/cli/doctor/checks.ts'
import { lookalike } from '../../../core/cli/local/lookalikes.ts'
import { standstillWords } from '../../../core/model/view/standstill.ts'
import { pastBlockWords } from '../../../core/model/view/loop-block.ts'
import { NOW, WELL } from './facts.ts'
import type { Facts } from '../../../core/cli/doctor/facts.ts'

type Changes = { [Key in keyof Facts]?: Partial<NonNullable<Facts[Key]>> }

const HOUR = 3_600_000

/** The facts with changes, as findings: `code: message | fix`. */
function found (changes: Changes): string[] {
  const facts = { ...WELL } as Record<string, unknown>
  for (const [key, change] of Object.entries(changes)) {
    facts[key] = Array.isArray(change) ? change : { ...facts[key] as object, ...change }
  }
  return diagnose(facts as unknown as Facts).flatMap(({ findings }) =>
    (findings ?? []).map(({ code, level, message, fix }) => `${level} ${code}: ${message} | ${fix}`)
  )
}

const server = (change: Partial<Facts['server']>) => found({ server: { health: null, ...change } })

t.test('nothing is found on a machine that is well', async t => {
  t.strictSame(found({}), [])
  t.equal(isWell(diagnose(WELL)), true)
})

t.test('a note leaves the machine well, a warning and a fault do not', async t => {
  const well = (change: object) => isWell(diagnose({ ...WELL, ...change }))
  t.equal(well({ zone: { ...WELL.zone, tasks: 'UTC' } }), true)
  t.equal(well({ clock: { ...WELL.clock, synchronised: false } }), false)
  t.equal(well({ node: { version: 'v20.1.0', needed: 26 } }), false)
})

t.test('a symptom of the machine has one finding, with its cure', async t => {
  const cases: [Changes, RegExp][] = [
    [{ node: { version: 'v24.1.0' } }, /^fault node_old: This is Node v24.1.0; offpeak needs 26.*\| Install Node 26/],
    [{ clock: { now: 0, newest: null } }, /^fault clock_past: The clock says 1970-01-01.*timedatectl/],
    [{ clock: { newest: NOW + 2 * HOUR } }, /^fault clock_back: The clock is 2 h behind the latest stored run/],
    [{ clock: { synchronised: false } }, /^warning clock_unsynchronised: .*timedatectl set-ntp true/],
    [{ clock: { skewMs: -90_000 } }, /^warning clock_files: .* 1 m 30 s behind the clock/],
    [{ zone: { given: 'Europe/Rom' } }, /^warning zone_unknown: TZ is 'Europe\/Rom'.*manager.timezone/],
    [{ zone: { tasks: 'UTC' } }, /^note zone_differs: .* use UTC; this machine uses Europe\/Rome/],
    [{ sensors: [{ sensor: 'ups', message: 'upsc hangs', since: NOW - HOUR }] } as never,
      /^warning sensor_fails: The sensor ups fails since 1 h: upsc hangs\./],
    [{ process: { files: 900 } }, /^warning files_open: .*pid 7\) has 900 of at most 1024 files open.*\/proc\/7\/fd/],
    [{ process: { memory: 5e9 } }, /^warning memory_large: .* uses 5 GB of 8 GB.*isolation: process/]
  ]
  for (const [change, expected] of cases) t.match(found(change), [expected])
  for (const [change, expected] of cases) t.equal(found(change).length, 1, String(expected))
  t.strictSame(found({ clock: { skewMs: 4000, synchronised: null, newest: NOW + 30_000 } }), [],
    'small steps are normal')
  t.strictSame(found({ zone: { given: ':/etc/localtime' } }), [])
})

t.test('a symptom of the folders has one finding, with its cure', async t => {
  const cases: [Changes, RegExp][] = [
    [{ disk: { free: 5e8 } }, /^fault disk_full: The disk of \/d has 500 MB free, of 100 GB/],
    [{ disk: { free: 1.5e9 } }, /^fault disk_full/],
    [{ disk: { freeFiles: 3 } }, /^fault disk_inodes: .*room for 3 more files/],
    [{ disk: { kind: 0x6969 } }, /^warning disk_remote: .* is on NFS.*engine.folder/],
    [{ permissions: { folderCode: 'EACCES' } },
      /^fault data_unwritable: ann cannot write .*permissions do not allow it.*chown -R ann \/d/],
    [{ permissions: { folderCode: 'EROFS' } }, /^fault data_unwritable: .*read-only/],
    [{ permissions: { directoryCode: 'ENOENT' } }, /^fault tasks_unreadable: .*does not exist.*mkdir -p \/b/],
    [{ permissions: { configCode: 'EACCES' } }, /^note config_unwritable: .*offpeak enable/],
    [{ permissions: { security: [{ message: 'm', fix: 'f' }] } }, /^warning insecure: m \| f$/],
    [{ watches: { code: 'ENOSPC' } }, /^warning watch_limit: .*all 8192 watches .*sysctl fs.inotify.max_user_watches=/],
    [{ watches: { code: 'EMFILE' } }, /^warning watch_limit: .*all 128 instances .*max_user_instances=/],
    [{ watches: { code: 'EIO' } }, /^warning watch_fails: .*its disk fails/],
    [{ watches: { kind: 0xff534d42 } }, /^note watch_remote: .*CIFS/]
  ]
  for (const [change, expected] of cases) {
    const all = found(change)
    t.match(all, [expected])
    t.equal(all.length, 1, String(expected))
  }
  t.strictSame(found({ disk: { freeFiles: 0, totalFiles: 0 } }), [], 'btrfs counts no files')
})

t.test('a symptom of configuration and tasks has one finding, with its cure', async t => {
  const broken = {
    code: 'X',
    message: '/a/config.json: /server/hots unknown',
    file: '/a/config.json',
    line: 2,
    pointer: '/server/hots'
  }
  const rest = (code: string) => ({ task: 'old', code, message: 'the trigger never fires: on 30 February' })
  const cases: [Changes, RegExp][] = [
    [{ config: { faults: [broken] } },
      /^fault config_refused: \/a\/config.json:2 \/server\/hots: unknown \| Correct it\. A running server keeps/],
    [{ config: { exists: false } }, /^note config_missing: .*--config/],
    [{ config: { overlay: '/config.prod.json' } },
      /^warning config_overlay: There is no \/config.prod.json.*OFFPEAK_ENV/],
    [{ tasks: { count: 0, enabled: 0, scheduled: 0 } }, /^warning tasks_none: There are no tasks in \/b/],
    [{ tasks: { count: 0, enabled: 0, scheduled: 0, siblings: ['/tasks'] } }, /Did you mean \/tasks\?/],
    [{ tasks: { enabled: 0, scheduled: 0 } }, /^warning tasks_disabled: None of the 2 tasks .*offpeak enable/],
    [{ tasks: { scheduled: 0 } }, /^note tasks_unscheduled: /],
    [{ tasks: { faults: [{ code: 'X', message: 'm', file: 'a.ts', line: 3, fix: 'f' }] } },
      /^fault task_broken: a.ts:3: m \| f/],
    [{ tasks: { warnings: [{ code: 'X', message: 'not set up' }] } }, /^warning task_unset: not set up/],
    [{ tasks: { resting: [rest('never_fires')] } }, /^warning schedule_asleep: old: the trigger never fires/],
    [{ tasks: { resting: [rest('task_disabled')] } }, /^note tasks_off: Disabled: old\. \| Run: offpeak enable/]
  ]
  for (const [change, expected] of cases) {
    const all = found(change)
    t.match(all, [expected])
    t.equal(all.length, 1, String(expected))
  }
})

t.test('a symptom of the server has one finding, with its cure', async t => {
  const no = { answer: 'no', alive: false, pid: null } as const
  const port = { host: '127.0.0.1', port: 7420, code: null, program: null }
  const cases: [string[], RegExp][] = [
    [server(no), /^warning server_stopped: .*offpeak start/],
    [server({ ...no, used: false }), /^note server_stopped/],
    [server({ ...no, answer: 'silent' }), /^fault server_silent: .*accepts connections and does not answer/],
    [
      server({ ...no, answer: 'silent', port: { ...port, code: 'EADDRINUSE', program: 'process 8 (node x.js)' } }),
      /^fault port_taken: Process 8 \(node x\.js\) listens on port 7420 of 127\.0\.0\.1/
    ],
    [server({ ...no, answer: 'other', port: { ...port, code: 'EADDRINUSE' } }),
      /^fault port_taken: Another program listens on port 7420 of 127.0.0.1.*server.port/],
    [server({ ...no, owner: 'pid 5' }), /^fault folder_owned: .* in use by pid 5.*--url/],
    [found({ server: { configured: 8000 } }), /^warning port_changed: server.port is 8000, .* listens on 7420/],
    [found({ token: { state: 'unreadable' } }), /^warning token_unreadable: .*OFFPEAK_TOKEN/],
    [found({ token: { state: 'missing' } }), /^warning token_missing: /],
    [found({ token: { state: 'short' } }), /^fault token_short: /],
    [found({ token: { accepted: false } }), /^fault token_refused: /],
    [found({ token: { expired: ['ci'] } }), /^note token_expired: Expired tokens: ci/]
  ]
  for (const [all, expected] of cases) {
    t.match(all, [expected])
    t.equal(all.length, 1, String(expected))
  }
  t.match(server({ ...no, pid: 9 }), [/^warning server_died: .*pid 9/, /server_stopped/])
  t.match(server({ ...no, port: { ...port, port: 80, code: 'EACCES' } }), [/^fault port_refused: Port 80/, /stopped/])
  t.strictSame(found({ token: { state: 'missing', used: false } }), [], 'the first start makes the token')
})

t.test('runs that wait and pauses are found', async t => {
  const waits = { due: 3, oldestDue: NOW - 8 * HOUR, lastStart: NOW - 9 * HOUR }
  const off = { answer: 'no', alive: false, pid: null, health: null } as const
  t.match(found({ server: off, runs: waits }).at(-1),
    /^warning nothing_started: Nothing has started for 8 h although 3 runs are due/)
  t.strictSame(found({ runs: waits }), [], 'the health of a server tells it')
  t.match(found({ server: off, runs: { ...waits, spanMs: 0 } }), [/server_stopped/])
  const pause = (scope: 'all' | 'queue', name: string | null) => ({
    runs: {
      pauses: [{ scope, name, until: null, by: 'ann', at: '2026-05-30T12:00:00.000Z', reason: 'holidays' }]
    }
  })
  t.match(found(pause('all', null)), [
    /^warning paused: Everything is paused since 2026-05-30.* by ann: holidays\. \| Run: offpeak resume all/
  ])
  t.match(found(pause('queue', 'mail')), [/^note paused: The queue 'mail' .*offpeak resume queue:mail/])
})

t.test('each reason of health that no other check explains has a cure of its own', async t => {
  const of = (reason: string, status: 'degraded' | 'failed' = 'degraded') =>
    found({ server: { health: { status, reasons: [reason], broken: [{ where: null, message: 'm' }] } } })
  const block = { ms: 60_000, at: NOW, runs: [], exact: false, where: null }
  const cures: [string, RegExp][] = [
    [standstillWords({ ms: 7 * HOUR, tasks: 1, task: 'copy', message: 'on battery' }), /offpeak why/],
    [pastBlockWords(block as never), /isolation: thread/],
    ['the engine cannot be written: disk full', /disk of the data folder/],
    ["the engine fails 'add' since 1: m", /disk of the data folder/],
    ['no work has been looked for in 30 s', /Restart it/],
    ['io_stuck: a file system does not answer', /file system that does not answer/],
    ["1 schedule fails, 'a' first: m", /offpeak validate/],
    ['a schedule is 40 s behind', /event loop/],
    ['2 rows of the database were out of range at the start', /Nothing has to be done/]
  ]
  for (const [reason, cure] of cures) {
    t.match(of(reason), [cure])
    t.match(of(reason)[0], `warning unhealthy: ${reason.slice(0, 20)}`)
  }
  t.match(of('no work has been looked for in 30 s', 'failed'), [/^fault unhealthy/])
  t.match(of('something new'), [/offpeak health/])
  t.strictSame(of('1 task file is broken'), [], 'the check of the tasks reports it')
  t.strictSame(of('the configuration on disk was refused: the last good one is in force'), [])
})

t.test('a file that looks like a task and is not read is reported with the reason', async t => {
  const why = (path: string, head: string, executable = false) => {
    const seen = lookalike({ path, head, executable })
    return seen && `${seen.meant ? 'meant ' : ''}${seen.message} | ${seen.fix}`
  }
  const header = '#!/bin/sh\n# offpeak: schedule = 0 3 * * *\n'
  const defines = 'export const TASK_DEFINITIONS: TaskDefinition[] = []\n'
  t.match(why('a.sh', 'echo hi\n'), /^it is a script without a header \| Add the line: # offpeak: schedule/)
  t.match(why('a.sh', '# offpeak schedule = 0 3 * * *\n'), /^line 1 is not a header: found '# offpeak schedule/)
  for (const word of ['ofpeak', 'offpaek', 'Offpeek', 'offpeaks']) {
    t.match(why('a.sh', `#!/bin/sh\n# ${word}: schedule = 0 3 * * *\n`), /^line 2 is not a header/, word)
  }
  t.match(why('a.sh', '#!/bin/sh\n# options: verbose = yes\n'), /without a header/)
  t.match(why('a.sh', '#!/bin/sh\n# off-peak: schedule = 0 3 * * *\n'), /^line 2 is not a header/)
  t.match(why('a.sh', `${'#\n'.repeat(250)}# offpeak: id = a\n`), /^its header is in line 251/)
  t.match(why('a.py', 'TASK_DEFINITIONS = [{"id": "a"}]\n'), /^a Python module with TASK_DEFINITIONS/)
  t.match(why('backup', header), /^it is not executable \| Run: chmod \+x backup/)
  t.match(why('x/backup', '# offpeak: id = a\n', true), /^it does not begin with #!/)
  t.match(why('_a.ts', defines), /^'_a.ts' begins with _/)
  t.match(why('.old/a.ts', defines), /^'.old' begins with \./)
  t.match(why('a.test.ts', defines), /^it is named as a test/)
  t.match(why('node_modules/a.sh', header), /node_modules/)
  t.match(why('a.tsx', defines), /^it ends in .tsx \| Name it with .ts/)
  t.match(why('a.ts.bak', defines), /^meant it ends in .bak/)
  t.match(why('a.php', '<?php\n', true), /^it has no #! line/)
  for (const [path, head] of [['a.ts', defines], ['a.sh', header], ['a.sh', '# offpeak: nonsense\n'], ['_lib.sh',
    'x\n'], ['_lib.ts', 'export const a = 1\n'], ['notes.txt', 'offpeak\n'], ['data.json', '{}']] as const) {
    t.equal(why(path, head), null, path)
  }
  t.equal(why('backup', header, true), null)
})
