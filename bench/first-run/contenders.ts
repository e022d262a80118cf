import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { bytesIn } from './measure.ts'
import type { Place } from './measure.ts'

const ROOT = resolve(import.meta.dirname, '../..')

export interface Given {
  /** The package of offpeak, as `npm pack` makes it. */
  tarball: string
  /** Where git finds Cronicle. */
  cronicle: string
}

/** Follows the first steps of its documentation, and notes each step that is reached. */
export interface Contender {
  name: string
  how: string
  follow: (place: Place, given: Given) => Promise<void>
}

/** A server of offpeak, and a first run of this task. */
async function firstRun (place: Place, offpeak: readonly [string, ...string[]], task: string): Promise<void> {
  const { stop } = await place.serve(...offpeak, 'start', '--port', '0')
  place.reach('answers')
  await place.run(...offpeak, 'run', task, '--wait')
  place.reach('ran')
  await stop()
}

const clone: Contender = {
  name: 'offpeak, cloned',
  how:
    '`git clone`, `npm ci`, `npm start`, `npx offpeak run heartbeat --wait`; brings Node 26 and the tools of the tests',
  async follow (place) {
    await place.run('git', 'clone', '--quiet', '--depth', '1', `file://${ROOT}`, '.')
    place.given = bytesIn(join(place.folder, '.git/objects'))
    await place.run('npm', 'ci')
    place.reach('installed')
    await firstRun(place, [join(place.folder, 'node_modules/node/bin/node'), 'bin/offpeak.js'], 'heartbeat')
  }
}

const packed: Contender = {
  name: 'offpeak, the package',
  how: '`npm install offpeak-0.1.0.tgz`, `npx offpeak init .`, `npx offpeak start`, `npx offpeak run hello --wait`',
  async follow (place, { tarball }) {
    place.given = statSync(tarball).size
    await place.run('npm', 'install', tarball)
    place.reach('installed')
    const offpeak = join(place.folder, 'node_modules/.bin/offpeak')
    await place.run(offpeak, 'init', '.')
    await firstRun(place, [offpeak], 'hello')
  }
}

const pm2: Contender = {
  name: 'pm2',
  how: '`npm install pm2@7.0.4`, `npx pm2 start job.js --no-autorestart`; the job writes a file',
  async follow (place) {
    await place.run('npm', 'install', 'pm2@7.0.4')
    place.reach('installed')
    const [program, ran] = [join(place.folder, 'node_modules/.bin/pm2'), join(place.folder, 'ran')]
    writeFileSync(join(place.folder, 'job.js'), `require('fs').writeFileSync(${JSON.stringify(ran)}, '')`)
    try {
      await place.run(program, 'start', 'job.js', '--no-autorestart')
      place.reach('answers')
      await place.until(() => existsSync(ran))
      place.reach('ran')
    } finally {
      await place.run(program, 'kill')
    }
  }
}

const cronicle: Contender = {
  name: 'Cronicle',
  how: "`git clone` (it is not in the npm registry), `npm install` without its entry in the system's start, " +
    '`node bin/build.js dist`, `bin/control.sh setup` and `start`. A first run is made in its web UI, so it is not ' +
    'measured',
  async follow (place, { cronicle: source }) {
    await place.run('git', 'clone', '--quiet', '--depth', '1', source, '.')
    place.given = bytesIn(join(place.folder, '.git/objects'))
    await place.run('npm', 'install', '--omit=dev', '--ignore-scripts')
    await place.run('node', 'bin/build.js', 'dist')
    place.reach('installed')
    try {
      await place.run('bin/control.sh', 'setup')
      await place.run('bin/control.sh', 'start')
      await place.until(() => fetch('http://127.0.0.1:3012/').then(({ ok }) => ok, () => false))
      place.reach('answers')
    } finally {
      await place.run('bin/control.sh', 'stop')
    }
  }
}

export const CONTENDERS: readonly Contender[] = [clone, packed, pm2, cronicle]
