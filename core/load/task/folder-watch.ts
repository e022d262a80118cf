import { basename, resolve, sep } from 'node:path'
import { WRITTEN } from '../config/watch.ts'

const GATHER_MS = 50
/** A watch that is added begins within this time. */
const BEGIN_MS = 500
const DEPTH = 8

interface FolderWatchAsk {
  /** The tasks directories themselves. */
  roots: readonly string[]
  /** The targets of links out of them. */
  outside: readonly string[]
  /** Called with how long to wait, in ms, for changes that belong together. */
  onChange: (ms: number) => void
  onError: (error: unknown) => void
}

/** Watches task files until it is closed. */
export interface FolderWatch {
  /** The targets of links out of the directories, as they are now. */
  follow(outside: readonly string[]): void
  close(): Promise<void>
}

/** Reports changes below folders, and of the files and folders that links in them lead to. */
export async function watchFolders ({ roots, outside, onChange, onError }: FolderWatchAsk): Promise<FolderWatch> {
  const { watch } = await import('chokidar')
  let targets = new Set(outside)
  const isBelow = (path: string) => [...roots, ...targets].some(root => path.startsWith(root + sep))
  const watcher = watch([...roots, ...targets], {
    ignoreInitial: true,
    followSymlinks: false,
    depth: DEPTH,
    awaitWriteFinish: WRITTEN,
    ignored: path => isBelow(resolve(path)) && /^(\..*|node_modules)$/.test(basename(path))
  })
  watcher.on('error', onError)
  watcher.on('all', () => onChange(GATHER_MS))
  watcher.on('ready', () => onChange(0))
  return {
    follow (now) {
      const next = new Set(now)
      const gone = [...targets].filter(target => !next.has(target))
      const come = [...next].filter(target => !targets.has(target))
      targets = next
      if (gone.length > 0) watcher.unwatch(gone)
      if (come.length === 0) return
      watcher.add(come)
      // What has changed before the watch began is not reported.
      onChange(BEGIN_MS)
    },
    close: () => watcher.close()
  }
}
