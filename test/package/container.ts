import { globSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { ROOT } from './packed.ts'
import { all, execForm, stagesOf } from './dockerfile.ts'
import { promisify } from 'node:util'
import { execFile } from '../child.ts'
import { scratch } from '../work/harness.ts'
import type { Packed } from './packed.ts'

/** What a container would be: its root, and how its commands are started. */
export interface Container {
  root: string
  /** The working folder of its commands. */
  cwd: string
  /** The program and the words of the entry point with CMD, and those of the health check. */
  start: string[]
  health: string[]
  env: NodeJS.ProcessEnv
}

const FOLDERS = /(?<=^|[\s=])\/(?=(?:opt|usr\/local|var\/lib|node_modules|tasks|data|src)\b)/g

/** Programs of an image that the commands of the Dockerfile use, without a registry. */
const PROGRAMS = `set -e
npm () {
  case "$1" in
    ci) cp -al "$PACKAGES" . && rm -rf node_modules/offpeak ;;
    pack) cp "$TARBALL" . ;;
    prune) ;;
    *) echo "npm $* must not be skipped" >&2; return 1 ;;
  esac
}
apt-get () { :; }
chown () { :; }
`

/** Executes every RUN of the Dockerfile below a scratch folder, which stands for the root of both stages. `app`: a
 *  folder with the packages that offpeak needs. */
export async function build (t: Test, { tarball }: Packed, app: string): Promise<Container> {
  const root = scratch(t)
  const inside = (text: string) => text.replaceAll(FOLDERS, `${root}/`)
  for (const name of ['src', 'opt', 'usr/local/bin', 'tmp']) mkdirSync(join(root, name), { recursive: true })
  const stages = stagesOf(readFileSync(join(ROOT, 'deploy/Dockerfile'), 'utf8'))
  let cwd = root
  for (const { name, text } of stages.flat()) {
    if (name === 'WORKDIR') cwd = inside(text)
    if (name !== 'RUN') continue
    const env = { PATH: process.env.PATH, PACKAGES: join(app, 'node_modules'), TARBALL: tarball }
    await promisify(execFile)('bash', ['-c', `${PROGRAMS}${inside(text)}`], { cwd, env })
  }
  rmSync(join(root, 'src'), { recursive: true })
  const last = stages.at(-1)!
  const set = all(last, 'ENV').flatMap(line => line.split(' ')).map(pair => pair.split('=') as [string, string])
  const env = Object.fromEntries(set.map(([name, value]) => [name, inside(value)]))
  const [, , ...program] = execForm(all(last, 'ENTRYPOINT')[0])!
  return {
    root,
    cwd,
    start: [...program, ...execForm(all(last, 'CMD')[0])!],
    health: execForm(all(last, 'HEALTHCHECK')[0])!,
    env: {
      ...env,
      PATH: `${root}/usr/local/bin:${dirname(process.execPath)}:${process.env.PATH}`,
      TMPDIR: join(root, 'tmp'),
      // As on a read-only root, nothing can be written there.
      HOME: '/dev/null/home'
    }
  }
}

/** Every file of a container outside of its volumes, with the instant of its last change. */
export const filesOf = ({ root }: Container): string[] =>
  globSync('**/*', { cwd: root, exclude: name => name === 'data' || name === 'tmp' }).toSorted()
    .map(name => `${name} ${statSync(join(root, name)).mtimeMs}`)
