import t from 'tap'
import { existsSync, globSync, readFileSync, rmSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { once } from 'node:events'
import { spawn } from './child.ts'
import { until } from './clock.ts'

const ROOT = resolve(import.meta.dirname, '..')
const MIDWAY = join(import.meta.dirname, 'process/killed-midway.ts')
const skip = !existsSync('/proc/self/environ') && 'no /proc'

/** How many processes have this word in their environment. */
const carriers = (word: string): number =>
  globSync('/proc/[0-9]*/environ').filter(file => {
    try {
      return readFileSync(file, 'latin1').includes(word)
    } catch {
      return false
    }
  }).length

/** The mark of a guarded process is the last folder on its PATH. */
const markOf = (path: string): string => path.split(delimiter).at(-1)!

for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
  t.test(`a test process that ends by ${signal} midway leaves no process`, { skip, timeout: 240_000 }, async t => {
    // Without our own mark, for which a process that we start would leave its children to us.
    const { PATH = '', ...env } = process.env
    const path = PATH.split(delimiter).slice(0, -1).join(delimiter)
    const test = spawn(process.execPath, [MIDWAY], {
      env: { ...env, PATH: path },
      stdio: ['ignore', 'pipe', 'inherit']
    })
    t.teardown(() => test.kill('SIGKILL'))
    let output = ''
    test.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
    await until('all of them run', () => output.includes('\n') || test.exitCode !== null)
    const { path: marked, root } = JSON.parse(output) as { path: string, root: string }
    t.teardown(() => rmSync(root, { recursive: true, force: true }))
    const mark = markOf(marked)
    t.ok(carriers(mark) >= 7,
      `${carriers(mark)} processes: the server, its task, its script and that one's, three more`)
    test.kill(signal)
    t.match(await once(test, 'exit'), [null, signal])
    await until('the late one has been started', () => existsSync(join(root, 'late')))
    await until('nothing is left', () => carriers(mark) === 0)
  })
}

// Those that run the suite start test processes, which guard themselves.
const RUNNERS = new Set(['test/child.ts', 'test/all.ts', 'test/check.ts'])
const STARTS = /^import \{[^}]*\} from 'node:child_process'$/m

t.test('tests and benchmarks start processes by way of child.ts alone', async t => {
  const files = globSync('{test,bench}/**/*.ts', { cwd: ROOT, exclude: ['**/node_modules/**'] })
  t.ok(files.length > 200)
  t.strictSame(files.filter(file => !RUNNERS.has(file) && STARTS.test(readFileSync(join(ROOT, file), 'utf8'))), [])
})
