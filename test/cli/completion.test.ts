import { chmodSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import t from 'tap'
import { spawnSync } from '../child.ts'
import { BIN, TASKS, cli, launch, place, serve } from './setup.ts'
import { scratch } from '../work/harness.ts'
import { until } from '../load/until.ts'

const cwd = place(t, {}, {
  ...TASKS,
  'waits.mjs': `export default { id: 'waits', func: ctx => {
    ctx.log.info('begun')
    return new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)))
  } }`
})
await serve(t, [], { cwd })

/** The words that a shell would be given. A command that waits too long for a busy server gives none. */
async function complete (...words: string[]): Promise<string[]> {
  let found: string[] = []
  await until(async () => {
    found = (await cli(['completion', 'words', '--', ...words], { cwd })).out.split('\n').slice(0, -1)
    return found.length > 0
  })
  return found
}

t.test('commands, options, tasks, runs and states are completed', async t => {
  t.strictSame(await complete('ta'), ['tasks'])
  t.strictSame(await complete('l'), ['ls', 'logs'])
  t.strictSame(await complete('run', 'e'), ['echo'])
  t.ok((await complete('tasks', '--')).includes('--status'))
  t.strictSame(await complete('runs', '--state', 'he'), ['held'])
  t.strictSame(await complete('run', 'echo', '--priority', 'c'), ['critical'])
  t.strictSame(await complete('token', 'c'), ['create'])
  t.strictSame(await complete('pause', 'task:e'), ['task:echo'])
  t.strictSame(await complete('completion', ''), ['bash', 'zsh', 'fish'])
  const { id } = JSON.parse((await cli(['run', 'echo', '--wait', '--json'], { cwd })).out) as { id: string }
  t.strictSame(await complete('show', id.slice(0, 3)), [id])
  t.strictSame(await complete('why', 'st'), ['stays'])
})

t.test('without a server there is nothing to say about tasks', async t => {
  t.match(await cli(['completion', 'words', '--', 'run', ''], { cwd: place(t) }), { code: 0, out: '', err: '' })
})

t.test('bash completes with the script', { skip: spawnSync('bash', ['--version']).status !== 0 }, async t => {
  const bin = scratch(t)
  writeFileSync(join(bin, 'offpeak'), `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`)
  chmodSync(join(bin, 'offpeak'), 0o755)
  const { out } = await cli(['completion', 'bash'], { cwd })
  const { stdout } = spawnSync('bash', ['-c', `${out}
COMP_WORDS=(offpeak run ec); COMP_CWORD=2; _offpeak; echo "$COMPREPLY"`], {
    cwd,
    env: { PATH: bin + delimiter + process.env.PATH!, HOME: process.env.HOME }
  })
  t.equal(String(stdout), 'echo\n')
  t.match(await cli(['completion', 'tcsh'], { cwd }), { code: 2, err: /expected bash, zsh, fish/ })
})

t.test('Ctrl-C while a command waits says that the run goes on', async t => {
  const { child, said } = launch(['run', 'waits', '--follow'], { cwd })
  await until(() => said.err.includes('begun'))
  child.kill('SIGINT')
  await until(() => child.exitCode !== null || child.signalCode !== null)
  t.equal(child.exitCode, 130)
  const { items: [run] } = JSON.parse((await cli(['runs', '--json'], { cwd })).out) as { items: { id: string }[] }
  t.match(run, { task: 'waits', state: 'running' })
  t.match(said.err,
    `\n${run!.id} goes on. Follow it with: offpeak logs ${run!.id} --follow; end it with: offpeak cancel`)
})
