import { chmodSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { spawnSync } from '../child.ts'
import { programFor } from '../../core/cli/program.ts'
import { completionsOf } from '../../core/cli/complete/candidates.ts'
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
const program = await programFor('completion')
/** The words, without a process for each. */
const complete = async (...words: string[]) =>
  (await completionsOf(program, ['--config', join(cwd, 'config.json'), ...words])).map(({ word }) => word)

t.test('commands, options, tasks, runs and states are completed', async t => {
  t.strictSame(await complete('ta'), ['tasks'])
  t.strictSame(await complete('l'), ['ls', 'logs'])
  t.strictSame(await complete('run', 'e'), ['echo'])
  t.ok((await complete('tasks', '--')).includes('--status'))
  t.strictSame(await complete('runs', '--state', 'he'), ['held'])
  t.strictSame(await complete('run', 'echo', '--priority', 'c'), ['critical'])
  t.strictSame(await complete('token', 'c'), ['create'])
  t.strictSame(await complete('pause', 'task:e'), ['task:echo'])
  t.strictSame(await complete('pause', 'e'), ['echo'], 'a name alone')
  t.strictSame(await complete('pause', 'd'), ['deaf', 'default'], 'a task and a queue')
  t.strictSame(await complete('completion', ''), ['bash', 'zsh', 'fish'])
  t.strictSame(await complete('runs', '--state', 'held,de'), ['held,dead'])
  t.strictSame(await complete('runs', '--state=he'), ['--state=held'])
  t.strictSame(await complete('help', 'ta'), ['tasks'])
  t.strictSame(await complete('he'), ['health', 'help'])
  t.strictSame(await complete('rep'), [], 'old names are not offered')
  t.strictSame(await complete('new', ''), [], 'nothing is known about a new name')
  t.strictSame(await complete('signal', 'price', ''), [])
  t.strictSame(await complete('schedules', 'pa'), ['pause'])
  t.strictSame(await complete('schedules', 'show', ''), ['echo'], 'ids of schedules')
  t.strictSame(await complete('cancel', 'echo', 'de'), ['deaf'])
  const { id } = JSON.parse((await cli(['run', 'echo', '--wait', '--json'], { cwd })).out) as { id: string }
  t.strictSame(await complete('show', id.slice(0, 3)), [id])
  t.strictSame(await complete('why', 'st'), ['stays'])
  t.strictSame(await complete('run', 'echo', '--after', 'fa'), ['fails'])
  await t.rejects(complete('--url', 'http://127.0.0.1:1', 'run', 'e'), { code: 'OFFPEAK_SERVER_UNREACHABLE' })
  const { out } = await cli(['completion', 'described', '--', 'show', ''], { cwd })
  t.match(out, /\necho\tscheduled, At 03:00, every day \(UTC\)\n[^]*\n\w+\tcompleted run of echo\n$/)
  t.match((await cli(['completion', 'words', '--', 'show', ''], { cwd })).out, /\necho\nfails\n/)
})

t.test('without a server there is nothing to say about tasks', async t => {
  t.match(await cli(['completion', 'words', '--', 'run', ''], { cwd: place(t) }), { code: 0, out: '', err: '' })
})

const isThere = (shell: string) => spawnSync(shell, ['--version']).status === 0

/** What a shell prints that has read its script and then this one. */
async function shell (t: Test, name: string, script: string): Promise<string> {
  const bin = scratch(t)
  writeFileSync(join(bin, 'offpeak'), `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`)
  chmodSync(join(bin, 'offpeak'), 0o755)
  const { out } = await cli(['completion', name], { cwd })
  const { stdout, stderr } = spawnSync(name, ['-c', `${out}\n${script}`], {
    cwd,
    env: { PATH: bin + delimiter + process.env.PATH!, HOME: bin }
  })
  return `${stdout}${stderr}`
}

t.test('bash completes with the script', { skip: !isThere('bash') }, async t => {
  const after = (words: string) =>
    `COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _offpeak; echo "\${COMPREPLY[@]}"`
  const lines = ['offpeak run ec', 'offpeak pause task : e', 'offpeak runs --state = he', 'offpeak completion ""']
  t.equal(await shell(t, 'bash', lines.map(after).join('\n')), 'echo\necho\nheld\nbash zsh fish\n')
  t.match(await cli(['completion', 'zhs'], { cwd }), { code: 2, err: /expected bash, zsh, fish\n {2}.*'zsh'\?/ })
})

t.test('zsh completes with the script', { skip: !isThere('zsh') }, async t => {
  const stubs = 'compdef () {}; _describe () { print -rl -- $found }; _files () { print files }'
  const after = (words: string) => `words=(${words}); CURRENT=$#words; _offpeak`
  const lines = ['offpeak run ec', 'offpeak pause task:e', 'offpeak init ""']
  t.equal(await shell(t, 'zsh', [stubs, ...lines.map(after)].join('\n')),
    'echo:scheduled, At 03\\:00, every day (UTC)\ntask\\:echo:task\nfiles\n')
})

t.test('fish completes with the script', { skip: !isThere('fish') }, async t => {
  t.equal(await shell(t, 'fish', "complete -C 'offpeak run ec'\ncomplete -C 'offpeak pause task:e'"),
    'echo\tscheduled, At 03:00, every day (UTC)\ntask:echo\ttask\n')
})

t.test('Ctrl-C while a command waits says what goes on', async t => {
  const interrupt = async (...words: string[]) => {
    const { child, output } = launch(words, { cwd })
    await until(() => /begun|to go/.test(output.err + output.out))
    child.kill('SIGINT')
    await until(() => child.exitCode !== null || child.signalCode !== null)
    t.equal(child.exitCode, 130, words.join(' '))
    return output.err
  }
  const err = await interrupt('run', 'waits', '--follow')
  const { items: [run] } = JSON.parse((await cli(['runs', '--json'], { cwd })).out) as { items: { id: string }[] }
  t.match(run, { task: 'waits', state: 'running' })
  const words = `${run!.id} goes on. Follow it with: offpeak logs ${run!.id} --follow; end it with: offpeak cancel`
  t.match(err, `\n${words}`)
  t.match(await interrupt('logs', 'waits', '--follow'), words)
  t.match(await interrupt('pause', 'waits', '--drain'), /\ntask:waits stays paused. End that with: offpeak resume task/)
})
