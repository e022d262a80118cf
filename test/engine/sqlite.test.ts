import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { createSqliteEngine } from '../../core/engine/sqlite/keeper.ts'
import { contract } from './contract.ts'

contract(t, async (t: Test) => {
  const folder = mkdtempSync(join(tmpdir(), 'offpeak-engine-'))
  const engine = createSqliteEngine({ folder, ballastBytes: 4096, check: true })
  t.teardown(async () => {
    await engine.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  await engine.start()
  return engine
})
