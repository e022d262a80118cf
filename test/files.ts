import { availableParallelism } from 'node:os'
import { globSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'

// Runs test files, each in a process of its own, and prints their results as TAP. The hooks that `tap run` gives to
// every process, those under test included, take a third of the suite's time, and only coverage needs them. A process
// that tap starts would find them in NODE_OPTIONS.

const ROOT = resolve(import.meta.dirname, '..')
/** Seconds for a file, and for each of its tests. */
const TIMEOUT = 600

const words = process.argv.slice(2)
const files = words.length > 0 ? words : globSync('test/**/*.test.ts', { cwd: ROOT }).toSorted()
const [command, ...start] = process.platform === 'win32'
  ? [process.execPath]
  : ['env', '-u', 'NODE_OPTIONS', process.execPath] as const
const env = { ...process.env, TAP_TIMEOUT: String(TIMEOUT) }

t.setTimeout(0)
t.jobs = 2 * availableParallelism()
t.plan(files.length)
for (const file of files) {
  t.spawn(command, [...start, file], { cwd: ROOT, env, timeout: TIMEOUT * 1000, buffered: true }, file)
}
