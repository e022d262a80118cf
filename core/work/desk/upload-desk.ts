import { randomBytes } from 'node:crypto'
import { storeUpload } from './uploads.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Config } from '../../model/config/config.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Upload, UploadAsk } from './uploads.ts'

const ID_BYTES = 8

interface UploadDeskOptions {
  engine: Engine
  clock: Clock
  config: () => Config
  /** The data folder. */
  folder: () => string
  /** The instant from which the age of a stored file is counted, epoch ms. */
  sureBy: () => number
}

/** Stores files that people upload for tasks. */
export class UploadDesk {
  readonly #options: UploadDeskOptions

  constructor (options: UploadDeskOptions) {
    this.#options = options
  }

  /** Stores a file, and records the sender in the audit log. `bytes` and errors: see `storeUpload`. */
  async store (ask: Pick<UploadAsk, 'name' | 'bytes' | 'from'>, { by }: { by: string }): Promise<Upload> {
    const { engine, clock, config, folder, sureBy } = this.#options
    const id = randomBytes(ID_BYTES).toString('hex')
    const stored = await storeUpload({ ...ask, id, folder: folder(), now: sureBy(), limits: config().uploads })
    const { name: subject, bytes, sha256 } = stored
    await engine.record({ at: clock.now(), by, action: 'upload', subject, detail: { bytes, sha256 } })
    return stored
  }
}
