import { DatabaseSync } from 'node:sqlite'
import { GroupCommit } from '../../../core/engine/sqlite/group-commit.ts'
import type { CommitOptions } from '../../../core/engine/sqlite/group-commit.ts'

/** Counts of what a group commit has called. */
const counters = () => ({ commits: 0, seals: 0, syncs: 0, undone: 0, writes: 0, troubles: [] as string[] })

/** Options that only count the calls. */
const counting = (seen: ReturnType<typeof counters>): Omit<CommitOptions, 'db' | 'clock'> => ({
  begun: () => {},
  before: () => {},
  after: () => {},
  changes: () => seen.writes,
  committed: () => {
    seen.commits += 1
    return false
  },
  seal: () => {
    seen.seals += 1
  },
  undo: () => {
    seen.undone += 1
  },
  lose: error => {
    seen.troubles.push('lost')
    return error
  },
  guard: () => {},
  makeRoom: () => false,
  sync: async () => {
    seen.syncs += 1
  },
  failed: call => seen.troubles.push(call)
})

/** A group commit over a table of numbers, with counters of what it did. */
export function setup (more: Partial<CommitOptions> = {}) {
  const db = new DatabaseSync(':memory:')
  db.exec('create table n (x integer primary key)')
  const clock = { now: 0 }
  const seen = counters()
  const commits = new GroupCommit({ db, clock: () => clock.now, ...counting(seen), ...more })
  const insert = db.prepare('insert into n values (?)')
  const put = (x: number) =>
    commits.write('put', 'durable', () => {
      seen.writes += 1
      return insert.run(x).changes
    })
  return { db, commits, clock, seen, put, count: () => db.prepare('select count(*) as n from n').get()!['n'] }
}

/** The error of SQLite for a full disk. */
export const full = () => Object.assign(new Error('database or disk is full'), { errcode: 13 })
