import tap from 'tap'
import { OffpeakError } from '../../core/model/errors/errors.ts'
import { idOf, interpreterOf, mayBeScript, parseHeader } from '../../core/load/task/header.ts'

const fields = (...lines: string[]) => parseHeader(lines.join('\n'), 'a.sh')?.fields

function fault (...lines: string[]) {
  try {
    parseHeader(lines.join('\n'), 'a.sh')
  } catch (error) {
    if (error instanceof OffpeakError && error.code === 'OFFPEAK_TASK_INVALID') return error
  }
  throw new Error('expected a refusal')
}

tap.test('several pairs on several lines are one header', async t => {
  const header = parseHeader(
    '#!/bin/sh\n# offpeak: name = Disk report; timeout = 90\n# offpeak: schedule = 0 3 * * *\necho hi',
    'a.sh'
  )
  t.same(header?.fields, { name: 'Disk report', timeout: 90, trigger: '0 3 * * *' })
  t.same([...header!.lines], [['name', 2], ['timeout', 2], ['trigger', 3]])
})

tap.test('values are parsed by the type of their field', async t => {
  t.same(fields(
    '# offpeak: id = 42 ; enabled = false ; max_retries = 2 ; timeout = 1h 30m ; tags = disk, nightly ; ' +
      'args = ["-a, b", "c"]',
    '// offpeak: trigger = cron ; trigger_args = {"hour": 3, "x": "a;b"} ; exit_codes.warn = 3, 4 ; ' +
      'env.TOKEN = 12 ; backoff.delay = 5',
    '# offpeak: payload.deep = [1, 2] ; name = "quoted; text" ; description = \'it\' ; timezone = Europe/Rome'
  ), {
    id: '42',
    enabled: false,
    max_retries: 2,
    timeout: '1h 30m',
    tags: ['disk', 'nightly'],
    args: ['-a, b', 'c'],
    trigger: 'cron',
    trigger_args: { hour: 3, x: 'a;b' },
    exit_codes: { warn: [3, 4] },
    env: { TOKEN: '12' },
    backoff: { delay: 5 },
    payload: { deep: [1, 2] },
    name: 'quoted; text',
    description: 'it',
    timezone: 'Europe/Rome'
  })
})

tap.test('a file without header lines has none', async t => {
  t.equal(parseHeader('#!/bin/sh\necho "# offpeak"\n', 'a.sh'), null)
  t.equal(parseHeader('\n'.repeat(300) + '# offpeak: id = x', 'a.sh'), null)
})

tap.test('an unknown key is refused with its line and the nearest known one', async t => {
  const error = fault('#!/bin/sh', '# offpeak: timeot = 3')
  t.equal(error.place.line, 2)
  t.equal(error.place.file, 'a.sh')
  t.match(error.message, "did you mean 'timeout'?")
  t.match(fault('# offpeak: __proto__.x = 3').message, 'unknown key')
  t.match(fault('# offpeak: just words').message, 'expected key = value')
})

tap.test('an id comes from the file name', async t => {
  t.equal(idOf('jobs/Disk Report.v2.sh'), 'disk_report.v2')
})

tap.test('a script is recognised by its ending or by an executable shebang', async t => {
  t.ok(mayBeScript({ path: 'a.sh', executable: false }, 'echo'))
  t.ok(mayBeScript({ path: 'jobs/tool', executable: true }, '#!/usr/bin/env node\n'))
  t.notOk(mayBeScript({ path: 'tool', executable: false }, '#!/bin/sh\n'))
  t.notOk(mayBeScript({ path: 'notes.txt', executable: true }, 'text'))
})

tap.test('a script that the system cannot start directly has an interpreter', async t => {
  t.equal(interpreterOf('#!/bin/sh\n', { path: 'a.sh', executable: true }), undefined)
  t.same(interpreterOf('#!/usr/bin/env python3\n', { path: 'a.py', executable: false }), ['/usr/bin/env', 'python3'])
  t.same(interpreterOf('echo', { path: 'a.sh', executable: true }), ['sh'])
})
