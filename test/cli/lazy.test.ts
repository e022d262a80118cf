import { readFileSync, readdirSync } from 'node:fs'
import { relative, resolve, dirname } from 'node:path'
import t from 'tap'
import { cli, place, serve } from './setup.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const IMPORT = /^\s*(?:import|export)\s+(?!type\b)(?:[^'"\n;{]*?(?:\{[^}'";]*\})?\sfrom\s+)?['"]([^'"]+)['"]/gm

/** The modules that are loaded with a file, by their paths below the root, and packages by their names. */
function loadedWith (file: string, seen = new Set<string>()): Set<string> {
  for (const [, to = ''] of readFileSync(resolve(ROOT, file), 'utf8').matchAll(IMPORT)) {
    const name = to.startsWith('.') ? relative(ROOT, resolve(ROOT, dirname(file), to)) : to
    if (seen.has(name)) continue
    seen.add(name)
    if (name.endsWith('.ts')) loadedWith(name, seen)
  }
  return seen
}

const isHeavy = (name: string) =>
  /^core\/(?:work|engine|load|sense|manager|server|log)\b/.test(name) ||
  /^(?:fastify|chokidar|pino|cronstrue|typebox|toad-scheduler)(?:\/|$)/.test(name)

t.test('a command does not load modules that it does not use', async t => {
  const always = loadedWith('core/cli.ts')
  t.ok(always.has('core/cli/commands.ts') && always.has('commander'), 'imports are followed')
  t.same([...always].filter(name => name.startsWith('core/cli/command/')), [], 'nor other commands')
  for (const name of readdirSync(resolve(ROOT, 'core/cli/command'))) {
    t.same([...loadedWith(`core/cli/command/${name}`, new Set(always))].filter(isHeavy), [], name)
  }
})

t.test('the data folder is found without what checks a whole configuration', async t => {
  const loaded = loadedWith('core/load/config/quick-folder.ts')
  t.ok(loaded.has('jsonc-parser'))
  t.same([...loaded].filter(name => name.startsWith('typebox') || name.startsWith('core/model/config/')), [])
})

t.test('the server does not load the other commands', async t => {
  const loaded = loadedWith('core/cli/serve/start.ts',
    loadedWith('core/cli/command/start.ts', loadedWith('core/cli.ts')))
  t.ok(loaded.has('core/manager.ts'))
  t.notOk(loaded.has('core/cli/local/switch-task.ts'))
  t.same(
    ['systeminformation', 'piscina', 'chokidar', '@fastify/swagger', '@fastify/swagger-ui'].filter(name =>
      loaded.has(name)
    ),
    [],
    'nor what it may never need'
  )
})

t.test('a command that asks a server loads no fetch and no TLS', async t => {
  const cwd = place(t)
  await serve(t, [], { cwd })
  const words = `process.on('exit', () => process.stderr.write(process.moduleLoadList
    .filter(name => /undici|internal_tls|https/.test(name)).join()))`
  const node = ['--import', `data:text/javascript,${encodeURIComponent(words)}`]
  t.match(await cli(['tasks'], { cwd, node }), { code: 0, out: /^TASK/, err: /^$/ })
})
