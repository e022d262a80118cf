import t from 'tap'
import { spawnSync } from '../child.ts'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { PAGES as MADE } from '../../docs/reference/write.ts'
import { makeDemo } from '../../core/cli/serve/demo.ts'
import { whyPicture } from '../../docs/pictures/why.ts'
import { STATES } from '../../core/model/run/run.ts'
import { defaultsOf } from '../../core/model/config/config.ts'
import { loadConfig } from '../../core/load/config/config.ts'
import { loadTasks } from '../../core/load/task/task-folder.ts'
import { milliseconds } from '../../core/model/base/duration.ts'
import { newRun } from '../../core/work/desk/request/enqueue-request.ts'
import { nextFires } from '../../core/model/trigger.ts'
import { ofBuiltIn } from '../built-in.ts'
import { scratch } from '../work/harness.ts'
import { PAGES, ROOT, blocksOf, isScript, placeOf, textOf } from './blocks.ts'
import { RUN } from './page.ts'
import { makePlace, put } from './place.ts'

/** `typescript` is a program that generated-client.test.ts compiles and runs. */
const READ = ['jsonc', 'json', 'crontab', 'mermaid', 'text', 'typescript']
const BLOCKS = PAGES.flatMap(blocksOf)
const inLanguage = (language: string) => BLOCKS.filter(block => block.language === language)
const place = ({ page, line }: { page: string, line: number }) => `${page}:${line}`

t.test('the README is read in three minutes', async t => {
  const lines = textOf('README.md').trimEnd().split('\n')
  t.ok(lines.length <= 150)
  t.strictSame(lines.filter(line => line.length > 120 && !line.startsWith('|')), [])
})

t.test('every block says what it is, and that is run or read', async t => {
  const unknown = BLOCKS.filter(({ language }) => ![...RUN, ...READ].includes(language))
  t.strictSame(unknown.map(block => `${place(block)} ${block.language}`), [])
  t.ok(BLOCKS.length > 40, 'and there are blocks')
})

t.test('every configuration is one, and what it gives the built-in tasks fits them', async t => {
  const root = scratch(t)
  for (const block of inLanguage('jsonc')) {
    put(root, 'config.json', block.text)
    const { config } = await loadConfig({ file: join(root, 'config.json') })
    const directory = join(ROOT, 'backgroundtask')
    const { tasks, broken } = ofBuiltIn(
      await loadTasks({ directories: [{ path: directory, name: '.' }], dataFolder: root, config })
    )
    t.strictSame(broken, [], place(block))
    const named = Object.keys({ ...config.tasks, ...config.builtin }).flatMap(id => tasks.get(id) ?? [])
    for (const task of named) {
      t.doesNotThrow(() => newRun({ task, ask: {}, source: 'manual', now: 0 }), `${place(block)} ${task.id}`)
    }
  }
})

t.test('every piece of JSON and every crontab line is one', async t => {
  for (const block of inLanguage('json')) t.doesNotThrow(() => void JSON.parse(block.text), place(block))
  for (const block of inLanguage('crontab')) {
    for (const line of block.text.trim().split('\n')) {
      t.equal(nextFires({ trigger: line, after: 0, count: 3 }).length, 3, `${place(block)} ${line}`)
    }
  }
})

t.test('a diagram speaks of states that there are', async t => {
  for (const block of inLanguage('mermaid')) {
    t.match(block.text, /^stateDiagram-v2\n/)
    const named = [...block.text.matchAll(/^ +(\S+) --> ([\w[\]*]+)/gm)].flatMap(([, from, to]) => [from!, to!])
    t.strictSame(named.filter(name => name !== '[*]' && !(STATES as readonly string[]).includes(name)), [],
      place(block))
    t.ok(named.length > 20)
  }
})

const anchorOf = (heading: string) => heading.toLowerCase().replaceAll(/[^\w\- ]/g, '').replaceAll(' ', '-')
const anchorsIn = (page: string) =>
  [...textOf(page).replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    anchorOf(heading!)
  )

t.test('every link inside leads somewhere', async t => {
  const links = [...PAGES, 'CONTRIBUTING.md'].flatMap(page =>
    [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to]) => ({ page, to: to! }))
  )
  const inside = links.filter(({ to }) => !/^https?:/.test(to))
  t.ok(inside.length > 40)
  const lost = inside.filter(({ page, to }) => {
    const [path, anchor] = to.split('#') as [string, string?]
    const file = path === '' ? page : join(dirname(page), path)
    return !existsSync(resolve(ROOT, file)) || (anchor !== undefined && !anchorsIn(file).includes(anchor))
  })
  t.strictSame(lost.map(({ page, to }) => `${page} -> ${to}`), [])
})

t.test('every page of the documentation is reached from the README', async t => {
  const reached = new Set(['README.md'])
  for (const page of reached) {
    for (const [, to] of textOf(page).matchAll(/\]\(([^)\s#]+\.md)[^)]*\)/g)) {
      if (!to!.startsWith('http')) reached.add(join(dirname(page), to!))
    }
  }
  t.strictSame(PAGES.filter(page => !reached.has(page)), [])
})

t.test('the pages that are made are those that would be made', async t => {
  for (const [name, make] of Object.entries(MADE)) {
    t.equal(await make(), readFileSync(join(ROOT, 'docs/reference', name), 'utf8'),
      `docs/reference/${name}: run node docs/reference/write.ts`)
  }
})

/** The compiler does not follow links outside of node_modules. */
const resolved = (text: string) => text.replaceAll(/'\.\.\/(?:offpeak\/)?core\//g, `'${ROOT}/core/`)

t.test('what the pages show in TypeScript has the types it says', async t => {
  const parent = scratch(t)
  const files = inLanguage('ts').map(block => ({
    block,
    file: join(block.page.replaceAll(/\W/g, '_'), 'home', placeOf(block))
  }))
  for (const { page } of inLanguage('ts')) {
    if (!existsSync(join(parent, page.replaceAll(/\W/g, '_')))) makePlace(join(parent, page.replaceAll(/\W/g, '_')))
  }
  for (const { block, file } of files) put(parent, file, resolved(block.text))
  put(parent, 'tsconfig.json', JSON.stringify({
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: { typeRoots: [join(ROOT, 'node_modules/@types')] },
    include: [],
    files: files.map(({ file }) => file)
  }))
  // The compiler does not start under the hooks that tap gives to every process.
  const { status, stdout, stderr } = spawnSync('env', ['-u', 'NODE_OPTIONS', join(ROOT, 'node_modules/.bin/tsc'), '-p',
    parent], { encoding: 'utf8' })
  t.equal(status, 0, (stdout + stderr).slice(0, 2000))
})

t.test('the picture of tasks shows the table as it is', async t => {
  const picture = readFileSync(join(ROOT, 'docs/pictures/tasks.svg'), 'utf8')
  t.match(picture, />TASK +STATUS +SCHEDULE +LAST +NEXT</)
  t.match(picture, /prefers-color-scheme: dark/)
  const demo = await makeDemo(undefined)
  const { tasks } = JSON.parse(readFileSync(demo.configFile, 'utf8')) as { tasks: object }
  demo.remove()
  const shown = [...picture.matchAll(/>([a-z_]+) +(scheduled|disabled|running|queued|held|idle)/g)]
  t.strictSame(shown.map(([, id]) => id), Object.keys(tasks).toSorted())
  t.ok(shown.some(([, , status]) => status === 'held'), 'and one of them is held')
})

/** The first words of the lines below the head of the table. */
const gatesIn = (lines: readonly string[]) =>
  lines.slice(lines.findIndex(line => line.includes('GATE')) + 1).map(line => line.split(/\s+/).slice(0, 2).join(' '))

t.test('the picture of why shows the gates as they are', async t => {
  const picture = readFileSync(join(ROOT, 'docs/pictures/why.svg'), 'utf8')
  const { lines } = await whyPicture()
  t.match(picture, /prefers-color-scheme: dark/)
  t.match(picture, />\$ offpeak why copy_photos</)
  t.strictSame(gatesIn([...picture.matchAll(/<text[^>]*>([^<]*)/g)].map(([, line]) => line!)), gatesIn(lines))
  t.ok(gatesIn(lines).includes('- power'), 'and one of them is closed')
})

t.test('the unit waits longer than offpeak does, and does not restart on a wrong configuration', async t => {
  const unit = readFileSync(join(ROOT, 'deploy/offpeak.service'), 'utf8')
  const value = (key: string) => new RegExp(`^${key}=(.+)$`, 'm').exec(unit)?.[1] ?? ''
  t.ok(Number(value('TimeoutStopSec')) * 1000 > milliseconds(defaultsOf().manager.stop_grace) + 20_000)
  t.equal(value('RestartPreventExitStatus'), '78')
  for (const path of value('ExecStart').split(' ').filter(word => word.startsWith('%h/'))) {
    t.ok(existsSync(path.replace('%h/offpeak', ROOT)), path)
  }
})

t.test('what is a script says so in its first line', async t => {
  const scripts = [...inLanguage('python'), ...inLanguage('sh').filter(isScript)]
  t.strictSame(scripts.filter(({ file }) => file === null).map(place), [], 'and has a name')
})
