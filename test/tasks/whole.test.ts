import { execFileSync } from '../child.ts'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { restore } from '../../backgroundtask/backup_data.ts'
import { fakeContext } from './context.ts'
import { run } from './data.ts'
import { addSpecial, hostile, pictureOf, removeTree } from './hostile.ts'

const SEEDS = [1, 2, 3, 4]

tap.test('a restore keeps unusual names, content, links, modes, owners and times [F37]', {
  skip: process.platform !== 'linux'
}, async t => {
  for (const seed of SEEDS) {
    const base = t.testdir()
    const source = join(base, 'source')
    hostile(source, seed)
    const before = pictureOf(source)
    const { ctx } = fakeContext('backup_data', { source, target: join(base, 'target') })
    const { archive } = await run(ctx)
    const into = join(base, 'back')
    t.match(await restore({ archive: join(base, 'target', archive), into }), { troubles: [], damaged: [] })
    t.same(pictureOf(into), before, `seed ${seed}`)
    t.same(pictureOf(source), before, 'the source is unchanged')
    removeTree(into)
    mkdirSync(into)
    const plain = execFileSync('tar', ['--version'], { encoding: 'utf8' }).includes('GNU')
    if (plain && process.getuid?.() === 0) {
      execFileSync('sh', ['-c', 'zstd -dcq "$1" | tar --numeric-owner -xpf - -C "$2" && rm "$2/.offpeak-manifest.json"',
        'sh', join(base, 'target', archive), into], { stdio: ['ignore', 'ignore', 'pipe'] })
      t.same(pictureOf(into, { except: [''] }), Object.fromEntries(Object.entries(before).filter(([path]) =>
        path !== ''
      )), `tar unpacks the same, seed ${seed}`)
    }
    removeTree(source)
    removeTree(into)
  }
})

tap.test('pipes are left out of a backup, with a warning', { skip: process.platform === 'win32' }, async t => {
  const base = t.testdir({ source: { a: 'a' } })
  const special = addSpecial(join(base, 'source'))
  const { ctx } = fakeContext('backup_data', { source: join(base, 'source'), target: join(base, 'target') })
  t.match(await run(ctx), {
    message: /1 pipes, sockets or devices.*\(a pipe\)/,
    result: { files: 1, passed_over: [{ path: special[0], why: 'special' }] }
  })
  t.equal(readdirSync(join(base, 'target')).length, 2)
})
