import t from 'tap'
import { execFile } from '../child.ts'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from './blocks.ts'

interface Package {
  version?: string
  license?: string
  integrity?: string
  dev?: boolean
  hasInstallScript?: boolean
}
interface Listed {
  problems?: string[]
  dependencies?: Record<string, { version: string }>
}

const read = <T>(name: string) => JSON.parse(readFileSync(join(ROOT, name), 'utf8')) as T
const MANIFEST = read<Record<'dependencies' | 'devDependencies', Record<string, string>>>('package.json')
const LOCK = read<{ packages: Record<string, Package> }>('package-lock.json')
const SHIPPED = Object.entries(LOCK.packages).filter(([path, { dev }]) => path !== '' && dev !== true)
const LICENCES = ['MIT', 'MIT-0', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'Apache-2.0', '0BSD']
/** Brings Node 26 to a machine that has an older one; not part of what a user's process loads. */
const NODE = 'node_modules/node'

t.test('every dependency has an exact version [S43]', async t => {
  const all = { ...MANIFEST.dependencies, ...MANIFEST.devDependencies }
  t.strictSame(Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version)), [])
  t.ok(Object.keys(MANIFEST.dependencies).length <= 20, 'few packages are asked for directly')
})

t.test('nothing that a user runs has an install script [S43]', async t => {
  t.strictSame(SHIPPED.filter(([, { hasInstallScript }]) => hasInstallScript === true).map(([path]) => path), [])
  const scripts = Object.entries(LOCK.packages).filter(([, { hasInstallScript }]) => hasInstallScript === true)
  t.strictSame(scripts.map(([path]) => path), [NODE])
})

t.test('every package that is shipped has a known licence and a checksum [S43]', async t => {
  t.ok(SHIPPED.length > 50)
  t.strictSame(SHIPPED.filter(([, { license }]) => !LICENCES.includes(license ?? '')).map(([path]) => path), [])
  t.strictSame(SHIPPED.filter(([, { integrity }]) => integrity?.startsWith('sha512-') !== true).map(([path]) => path),
    [])
})

t.test('npm finds nothing missing, extraneous or invalid in the lock file [S43]', async t => {
  const args = ['ls', '--omit=dev', '--all', '--json', '--package-lock-only']
  const shell = process.platform === 'win32'
  const { stdout } = await promisify(execFile)('npm', args, { cwd: ROOT, shell, maxBuffer: 1 << 24 })
  const { problems = [], dependencies = {} } = JSON.parse(stdout) as Listed
  t.strictSame(problems, [])
  for (const [name, version] of Object.entries(MANIFEST.dependencies)) {
    t.equal(dependencies[name]?.version, version, name)
  }
})
