import { closeSync, ftruncateSync, mkdirSync, openSync, readdirSync, rmSync, statSync, unlinkSync,
  writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { listBackups, restore } from '../../backgroundtask/backup_data.ts'
import { Folder } from '../../backgroundtask/_files/folder.ts'
import type { TaskContext } from '../../core/model/task/context.ts'
import { ARCHIVE, run, setup } from './data.ts'

/** Makes reads of files with this name fail, like a bad sector. */
async function badSector (name: string, act: () => Promise<void>): Promise<void> {
  const own = Folder.prototype.read
  Folder.prototype.read = async function (this: Folder, opened) {
    const handle = await own.call(this, opened)
    if (opened !== name) return handle
    return new Proxy(handle, {
      get: (target, key) => {
        if (key === 'read') {
          return async () => {
            throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' })
          }
        }
        const value = Reflect.get(target, key) as unknown
        return typeof value === 'function' ? (value as (...all: unknown[]) => unknown).bind(target) : value
      }
    })
  }
  try {
    await act()
  } finally {
    Folder.prototype.read = own
  }
}

const on = (ctx: TaskContext, day: string) => run({ ...ctx, due_at: `2026-03-${day}T02:00:00.000Z` })

tap.test('a file with a bad sector is listed, and the other files are backed up [F46]', async t => {
  const { base, target, ctx } = setup(t)
  await badSector('a.txt', async () => {
    t.match(await run(ctx), {
      message: /1 files or folders could not be read and are not in the backup \(a\.txt: EIO\)/,
      result: { files: 4, partial: true, passed_over: [{ path: 'a.txt', why: 'EIO' }] }
    })
  })
  t.match(await restore({ archive: join(target, ARCHIVE), into: join(base, 'back') }), { files: 4, damaged: [] })
})

tap.test('the readable parts of a large file are backed up, and a restore lists the file as damaged', async t => {
  const { base, target, ctx } = setup(t)
  await badSector('b.bin', async () => {
    t.match(await run(ctx), {
      message: /1 files could be read only in part \(deep\/b\.bin: EIO\)/,
      result: { files: 5, partial: true }
    })
  })
  t.match(await restore({ archive: join(target, ARCHIVE), into: join(base, 'back') }), {
    files: 5,
    damaged: ['deep/b.bin']
  })
  t.equal(statSync(join(base, 'back', 'deep/b.bin')).size, 700_000)
})

tap.test('a partial backup does not replace a complete one', async t => {
  const { target, ctx } = setup(t, { keep_last: 2, keep_daily: 0, keep_weekly: 0 })
  await on(ctx, '01')
  await on(ctx, '02')
  await badSector('a.txt', async () => {
    for (const day of ['03', '04', '05']) await on(ctx, day)
  })
  t.same((await listBackups({ folder: target })).map(({ created_at: at, partial }) => [at.slice(8, 10), partial]), [[
    '05',
    true
  ], ['04', true], ['02', false], ['01', false]])
  await on(ctx, '06')
  t.same((await listBackups({ folder: target })).map(({ created_at: at }) => at.slice(8, 10)), ['06', '05', '04', '02'])
})

tap.test('a file that disappears during a run does not end the run', async t => {
  const { source, ctx } = setup(t)
  ctx.progress.advance = (_by, path) => {
    if (path === 'a.txt') unlinkSync(join(source, 'deep/b.bin'))
  }
  t.match(await run(ctx), { files: 4 })
})

tap.test('a folder that compresses very well can be restored', async t => {
  const { base, source, target, ctx } = setup(t)
  const zeros = openSync(join(source, 'zeros'), 'w')
  ftruncateSync(zeros, 300_000_000)
  closeSync(zeros)
  t.match(await run(ctx), { files: 6 })
  const archive = join(target, ARCHIVE)
  const into = join(base, 'back')
  t.match(await restore({ archive, into }), { files: 6 })
  const back = statSync(join(into, 'zeros'))
  t.equal(back.size, 300_000_000)
  t.ok(back.blocks * 512 < 10_000_000, 'its holes stay holes')
  rmSync(into, { recursive: true })
  unlinkSync(`${archive}.json`)
  await t.rejects(restore({ archive, into }), {
    name: 'ArchiveRefused',
    message: /expands more than 1000 times.*put its \.json beside it, or raise max_ratio/
  })
  t.match(await restore({ archive, into, caps: { maxRatio: 1e9 } }), { files: 6 })
})

tap.test('a folder that has lost all its files is not backed up', async t => {
  const { source, target, ctx } = setup(t)
  await on(ctx, '01')
  rmSync(source, { recursive: true })
  mkdirSync(source)
  await t.rejects(on(ctx, '02'), { name: 'Fatal', message: /contains no files.*is its disk mounted.*allow_empty/ })
  t.equal(readdirSync(target).length, 2)
  const empty = { ...ctx, payload: { ...ctx.payload as object, allow_empty: true } }
  t.match(await on(empty, '02'), { files: 0 })
})

tap.test('a file with the name of the manifest is left out and listed', async t => {
  const { source, ctx } = setup(t)
  writeFileSync(join(source, '.offpeak-manifest.json'), '{}')
  t.match(await run(ctx), { message: /\.offpeak-manifest\.json: the name of the manifest/, result: { files: 5 } })
})

tap.test('a restore of paths that are not in the archive is refused', async t => {
  const { base, target, ctx } = setup(t)
  await run(ctx)
  const archive = join(target, ARCHIVE)
  await t.rejects(restore({ archive, into: join(base, 'back'), only: ['dep'] }), {
    message: /No entry of the archive matches 'dep'/
  })
  t.match(await restore({ archive, into: join(base, 'back'), only: ['./deep/', join(base, 'data', 'a.txt')] }), {
    files: 2
  })
})

tap.test('missing parents of the target are not created, because a disk may not be mounted', async t => {
  const { base, ctx, source } = setup(t)
  await t.rejects(run({ ...ctx, payload: { source, target: join(base, 'media/me/USB/backups') } }), {
    name: 'Fatal',
    message: /there is no folder/
  })
  t.notOk(readdirSync(base).includes('media'))
})
