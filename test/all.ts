import { spawn } from 'node:child_process'

/** One step: what it prints is passed on, and kept for its totals. */
function step (command: string, args: string[]): Promise<{ code: number, output: string }> {
  return new Promise((resolve, reject) => {
    let output = ''
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], shell: process.platform === 'win32' })
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
      process.stdout.write(chunk)
    })
    child.once('error', reject)
    child.once('close', code => resolve({ code: code ?? 1, output }))
  })
}

const TOTALS = /# \{ total: \d+(?:, pass: (\d+))?(?:, fail: (\d+))?(?:, todo: \d+)?(?:, skip: (\d+))? \}/g

const CHECKS: [string, string[]][] = [
  ['tsc', []],
  ['oxlint', ['--deny-warnings', '.']]
]

for (const [command, args] of CHECKS) {
  const { code } = await step(command, args)
  if (code === 0) continue
  console.log(`${command} found faults\n0 passed, 1 failed`)
  process.exit(1)
}
const { code, output } = await step('tap', ['run', '--reporter=terse', '--no-color', ...process.argv.slice(2)])
const [, passed = '0', failed = '0', skipped = '0'] = [...output.matchAll(TOTALS)].at(-1) ?? []
console.log(`${passed} passed, ${code === 0 ? failed : Math.max(1, Number(failed))} failed, ${skipped} skipped`)
process.exit(code)
