import t from 'tap'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { publint } from 'publint'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { BUILT_IN, SHARED } from '../built-in.ts'
import { CALM } from '../calm.ts'
import { EACH_ISOLATION, HOST } from './apps.ts'
import { build, filesOf } from './container.ts'
import { execFile, spawn } from '../child.ts'
import { ROOT, SHIPPED, bytesOf, installed, pack, outputOf } from './packed.ts'
import { TYPED } from './typed-app.ts'
import { bareFolder, ownFolder } from './own-folder.ts'
import { cli, serve } from '../cli/setup.ts'
import { until } from '../load/until.ts'
import { publishedManifest } from '../../package/manifest.ts'

t.setTimeout(600_000)

const PACKED = await pack(t)
const APP = await installed(t, PACKED)
const BIN = join(APP, 'node_modules/offpeak/bin/offpeak.js')
const TARBALL = readFileSync(PACKED.tarball)

/** Runs a file of the app, and resolves to what it printed. */
async function ran (name: string, text: string, app = APP): Promise<string> {
  writeFileSync(join(app, name), text)
  return (await outputOf(process.execPath, [name], app)).trim()
}

t.test('the tarball has compiled code, declarations, the schema and the built-in tasks, and nothing else', async t => {
  const { files } = PACKED
  t.strictSame(files.filter(name => !name.startsWith('dist/')).toSorted(), ['CHANGELOG.md', 'LICENSE', 'README.md',
    'bin/offpeak.js', 'config.schema.json', 'package.json'])
  const own = /^dist\/((core|plugins|backgroundtask|source)\/.*|copied\/cronstrue\.(cjs|LICENSE)|package\.json)$/
  t.equal(files.filter(name => !own.test(name)).length, 6)
  t.strictSame(
    files.filter(name =>
      /(?<!\.d)\.ts$|test|bench/.test(name) && !name.includes('testkit') && !name.startsWith('dist/source/') &&
      !/simulate\/test-|command\/test|local\/test/.test(name)
    ),
    [],
    'no sources and no tests'
  )
  const tasks = files.filter(name => /^dist\/backgroundtask\/[^/]+$/.test(name)).map(name => name.slice(20))
  t.strictSame(tasks.toSorted(), BUILT_IN.map(name => name.replace(/\.ts$/, '.js')).toSorted(), 'no task of a user')
  t.ok(statSync(join(APP, 'node_modules/offpeak/dist/backgroundtask/disk_report.sh')).mode & 0o100)
  const sources = files.filter(name => name.startsWith('dist/source/')).map(name => name.slice(12))
  t.strictSame(sources.filter(name => !name.includes('/')).toSorted(), BUILT_IN, 'the sources for offpeak eject')
  t.strictSame([...new Set(sources.flatMap(name => name.split('/').slice(0, -1)))].toSorted(), SHARED)
})

t.test('the checkout is as it was after npm pack', async t => {
  t.equal(readFileSync(join(PACKED.checkout, 'package.json'), 'utf8'), readFileSync(join(ROOT, 'package.json'), 'utf8'))
  t.notOk(existsSync(join(PACKED.checkout, 'dist')))
})

t.test('postpack makes good an npm pack that was interrupted, and changes nothing when none was', async t => {
  const manifest = join(PACKED.checkout, 'package.json')
  const own = readFileSync(manifest, 'utf8')
  const postpack = () => outputOf(process.execPath, ['package/postpack.ts'], PACKED.checkout)
  renameSync(manifest, join(PACKED.checkout, 'package/package.json.kept'))
  writeFileSync(manifest, '{}')
  for (const time of ['first', 'second']) {
    await postpack()
    t.equal(readFileSync(manifest, 'utf8'), own, time)
  }
})

t.test('publint and are-the-types-wrong have nothing to say', async t => {
  const tarball = TARBALL.buffer.slice(TARBALL.byteOffset, TARBALL.byteOffset + TARBALL.byteLength)
  t.strictSame((await publint({ pack: { tarball } })).messages, [])
  const checked = await checkPackage(createPackageFromTarballData(TARBALL))
  // Resolution of before `exports`, and require() of an ES module, which every Node that offpeak runs on can do.
  const found = 'problems' in checked ? checked.problems : null
  t.strictSame(
    found?.filter(problem =>
      problem.kind !== 'CJSResolvesToESM' && !('resolutionKind' in problem && problem.resolutionKind === 'node10')
    ),
    []
  )
})

t.test('every package is there once, and none is missing', async t => {
  const { problems = [] } = JSON.parse(await outputOf('npm', ['ls', '--all', '--json'], APP)) as { problems?: string[] }
  t.strictSame(problems, [])
  const listed = await outputOf('npm', ['ls', 'fastify', '--parseable'], APP)
  t.strictSame(listed.trim().split('\n'), [join(APP, 'node_modules/fastify')])
})

t.test('an app shares its fastify; everything else has one version', async t => {
  const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const { dependencies } = publishedManifest(own)
  const ranges = Object.entries(dependencies).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))
  t.strictSame(ranges, [['fastify', '^5.10.0']])
})

t.test('the page of the package states what is installed', async t => {
  const page = readFileSync(join(ROOT, 'docs/reference/package.md'), 'utf8')
  const [, packages, size] = /(\d+) packages with (\d+) MB/.exec(page)!
  t.equal(Number(packages), SHIPPED.size + 1)
  const bytes = [...SHIPPED].reduce((sum, path) => sum + bytesOf(join(ROOT, path)), PACKED.unpackedSize)
  // A change of some lines does not move the figure on the page.
  t.ok(Math.abs(Number(size) - bytes / 1e6) < 0.75, `the page states ${size} MB, there are ${bytes} bytes`)
})

const ASKED = `console.log(JSON.stringify([VERSION, typeof createManager, typeof offpeak, typeof createTestManager]))\n`
const ANSWER = ['function', 'function', 'function']

t.test('a module imports each entry', async t => {
  const out = await ran('esm.mjs', `
    import { VERSION, createManager } from 'offpeak'
    import { offpeak } from 'offpeak/server'
    import { createTestManager } from 'offpeak/test'
    import own from 'offpeak/package.json' with { type: 'json' }
    import schema from 'offpeak/config.schema.json' with { type: 'json' }
    if (own.version !== VERSION || !schema.properties) throw new Error('these are other files')
    ${ASKED}`)
  t.match(JSON.parse(out), [/^\d+\.\d+\.\d+/, ...ANSWER])
})

t.test('a CommonJS app requires each entry', async t => {
  const out = await ran('common.cjs', `
    const { VERSION, createManager } = require('offpeak')
    const { offpeak } = require('offpeak/server')
    const { createTestManager } = require('offpeak/test')
    ${ASKED}`)
  t.match(JSON.parse(out), [/^\d+\.\d+\.\d+/, ...ANSWER])
})

t.test('the test kit runs a task on a simulated clock', async t => {
  const out = await ran('kit.mjs', `
    import { createTestManager } from 'offpeak/test'
    const tasks = [{ id: 'one', isolation: 'inline', func: ctx => ctx.payload + 1 }]
    const kit = await createTestManager({ tasks })
    const { run } = await kit.manager.desk.enqueue('one', { payload: 3 })
    await kit.advance('1m')
    console.log((await kit.manager.desk.run(run.id)).result)
    await kit.close()`)
  t.equal(out, '4')
})

const KINDS = [['typed.mts', 'nodenext', 'nodenext'], ['typed.cts', 'nodenext', 'nodenext'], ['typed.ts', 'preserve',
  'bundler']] as const

t.test('a TypeScript app is checked against the declarations', async t => {
  for (const [name, module, moduleResolution] of KINDS) {
    writeFileSync(join(APP, name), TYPED)
    const compilerOptions = {
      module,
      moduleResolution,
      noEmit: true,
      strict: true,
      target: 'esnext',
      lib: ['esnext', 'esnext.temporal'],
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules/@types')]
    }
    writeFileSync(join(APP, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [name] }))
    const checked = outputOf(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc')], APP)
    t.equal(await checked.catch(({ stdout }: { stdout: string }) => stdout), '', `${name}, ${moduleResolution}`)
  }
})

t.test('a Fastify app registers it, also one whose fastify is another copy', async t => {
  t.strictSame(JSON.parse(await ran('host.mjs', HOST)), [200, 200, 404])
  const other = join(APP, 'node_modules/offpeak/node_modules/fastify')
  t.teardown(() => rmSync(other, { recursive: true }))
  cpSync(join(APP, 'node_modules/fastify'), other, { recursive: true })
  t.strictSame(JSON.parse(await ran('host.mjs', HOST)), [200, 200, 404])
})

/** A folder of a user with a configuration and tasks. */
function place (name: string): string {
  const folder = join(APP, name)
  mkdirSync(join(folder, 'backgroundtask'), { recursive: true })
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ server: { port: 0 } }))
  return folder
}

t.test('the program starts, finds tasks in the folder of its user, and runs them in each isolation', async t => {
  const cwd = place('served')
  writeFileSync(join(cwd, 'backgroundtask/tasks.ts'), EACH_ISOLATION)
  const { url } = await serve(t, [], { cwd, bin: BIN })
  t.equal((await fetch(`${url}/livez`)).status, 200)
  t.match(await (await fetch(`${url}/api/openapi.json`)).json(), { info: { title: 'offpeak' } })
  const page = await (await fetch(`${url}/api/docs/`)).text()
  t.match(page, '<code>GET /api/tasks/{id}</code>', 'the page without Swagger UI, which is not installed')
  for (const id of ['here', 'threaded', 'apart']) {
    const { code, out } = await cli(['run', id, '--wait', '--payload', '5'], { cwd, bin: BIN })
    t.match({ code, out }, { code: 0, out: /"received": 5/ }, id)
  }
})

t.test('a copied package does its work, and one that is left out is asked for', async t => {
  const asked = { cwd: place('light'), bin: BIN }
  t.match(await cli(['preview', '0 9 * * 1-5'], asked), { code: 0, out: /^At 09:00, Monday through Friday/ })
  const config = { services: { smtp: { host: '127.0.0.1', port: 9, from: 'a@example.org' } } }
  writeFileSync(join(asked.cwd, 'config.json'), JSON.stringify(config))
  const task = join(APP, 'node_modules/offpeak/dist/backgroundtask/send_email.js')
  const tried = await cli(['test', task, '--payload', '{"to": "b@example.org", "text": "hello"}'], asked)
  t.match({ ...tried, out: tried.out + tried.err }, {
    code: 1,
    out: /nodemailer is not installed: run `npm install nodemailer`/
  })
})

t.test('the demo runs the built-in tasks of the package', async t => {
  const { url } = await serve(t, ['--demo', '--port', '0'], { cwd: place('demo'), bin: BIN })
  await until(async () => {
    const listed = await (await fetch(`${url}/api/tasks`)).json() as { id: string }[]
    return ['heartbeat', 'backup_data'].every(task => listed.some(({ id }) => id === task))
  })
  t.match(await (await fetch(`${url}/api/health`)).json(), { broken: [] })
})

t.test("a folder of one's own", async t => {
  await t.test('it has the built-in tasks and copies of them, and their types are right', t => ownFolder(t, APP, BIN))
  await t.test('a task file imports offpeak where nothing is installed', t => bareFolder(t, BIN))
})

t.test('where nothing can be written beside the packages it starts all the same', async t => {
  const cwd = place('locked')
  const copy = join(cwd, 'node_modules/offpeak')
  cpSync(join(APP, 'node_modules/offpeak'), copy, {
    recursive: true,
    filter: from => relative(APP, from) !== 'node_modules/offpeak/node_modules'
  })
  writeFileSync(join(copy, 'node_modules'), 'no folder can be made here')
  t.match(await cli(['start', '--display-only'], { cwd, bin: join(copy, 'bin/offpeak.js') }), { code: 0, err: '' })
})

t.test('the Dockerfile makes a container that runs tasks, and writes to its data folder only', async t => {
  const container = await build(t, PACKED, APP)
  const { cwd, start, health } = container
  const env = { ...container.env, OFFPEAK_SERVER__PORT: '0', OFFPEAK_TOKEN: 'of-the-test-of-the-container', ...CALM }
  const options = { cwd, env }
  const offpeak = async (...words: string[]) => (await promisify(execFile)('offpeak', words, options)).stdout
  await offpeak('init', '.')
  writeFileSync(join(cwd, 'backgroundtask/version.ts'),
    "import { VERSION } from 'offpeak'\nexport default { id: 'version', func: () => VERSION }\n")
  const before = filesOf(container)
  const child = spawn(start[0]!, start.slice(1), { ...options, stdio: 'ignore' })
  t.teardown(() => child.kill('SIGKILL'))
  const isHealthy = () => promisify(execFile)(health[0]!, health.slice(1), options).then(() => true, () => false)
  await until(async () => child.exitCode !== null || await isHealthy())
  t.match(await offpeak('run', 'version', '--wait'), /completed after .*\n"\d+\.\d+\.\d+"/)
  child.kill('SIGTERM')
  t.strictSame(await once(child, 'close'), [0, null])
  t.notOk(await isHealthy(), 'the health check fails when it has stopped')
  t.strictSame(filesOf(container), before)
})

t.test('on a Node that is too old it says in one line what to do', async t => {
  const versions = 'Object.defineProperty(process,"versions",{value:{...process.versions,node:"24.1.0"}})'
  const node = ['--import', `data:text/javascript,${versions}`]
  t.match(await cli(['--version'], { cwd: APP, bin: BIN, node }), {
    code: 1,
    out: '',
    err:
      /^offpeak needs Node 26 or later and this is \S+: install a later one, or run `npm install node@26` where .*\n$/
  })
})

t.test('an app on a Node without Temporal gets an error that names the Node it needs', async t => {
  const out = await ran('old.mjs', `
    delete globalThis.Temporal
    const { createManager } = await import('offpeak')
    console.log(await createManager({ files: 'none' }).catch(({ code, message }) => code + ': ' + message))`)
  t.match(out, /^OFFPEAK_START_REFUSED: offpeak needs Node 26 or later and this is v\d/)
})
