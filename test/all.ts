import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { STATIC } from './commands.ts'

const WINDOWS = process.platform === 'win32'

/** Runs one command; `line` is called with each line that it prints. Resolves to its exit code. */
function run (command: string, args: string[], line: (text: string) => void): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], shell: WINDOWS })
    createInterface({ input: child.stdout }).on('line', line)
    child.once('error', reject)
    child.once('close', code => resolve(code ?? 1))
  })
}

const RESULT = /^(not )?ok \d+ - (.*)$/
const TOTALS = /^# \{ total: \d+(?:, pass: (\d+))?(?:, fail: (\d+))?(?:, todo: \d+)?(?:, skip: (\d+))? \}/

/** Passes on one line for each file, and all of a file's lines when it has failed. */
function digest () {
  let block: string[] = []
  let totals: RegExpExecArray | null = null
  return {
    get totals () {
      return totals
    },
    line: (text: string) => {
      totals = TOTALS.exec(text) ?? totals
      const result = RESULT.exec(text)
      if (result === null) {
        if (text.startsWith(' ') || text.startsWith('# Subtest')) block.push(text)
        else if (text.includes('|')) console.log(text)
        return
      }
      if (result[1] !== undefined) console.log(block.join('\n'))
      console.log(text)
      block = []
    }
  }
}

const DEEP = '--deep'
const words = process.argv.slice(2)

for (const [command, ...args] of Object.values(STATIC)) {
  if (await run(command, args, text => console.log(text)) === 0) continue
  console.log(`${command} found faults\n0 passed, 1 failed`)
  process.exit(1)
}
// Random worlds and kills: all of them, see test/depth.ts.
if (words.includes(DEEP)) process.env['OFFPEAK_DEPTH'] = '1'
// Every engine of every test compares what it has in memory with its rows.
process.env['OFFPEAK_CHECK'] = '1'
const coverage = words.includes('--no-disable-coverage')
// What one test has compiled the next need not. Coverage is exact without.
if (!coverage) process.env['NODE_COMPILE_CACHE'] ??= resolve(import.meta.dirname, '../node_modules/.cache/test')
const chosen = words.filter(word => word !== DEEP)
const [command, ...args] = coverage
  ? ['tap', 'run', '--reporter=tap', '--no-color', ...chosen] as const
  : [process.execPath, 'test/files.ts', ...chosen] as const
const results = digest()
const code = await run(command, args, results.line)
const [, passed = '0', failed = '0', skipped = '0'] = results.totals ?? []
console.log(`${passed} passed, ${code === 0 ? failed : Math.max(1, Number(failed))} failed, ${skipped} skipped`)
process.exit(code)
