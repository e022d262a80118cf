import { enableCompileCache, flushCompileCache } from 'node:module'

// The code is compiled once, not in each process.
const folder = process.argv[3]
if (folder !== undefined) enableCompileCache(folder)
await import('./child.ts')
// The process may be killed before it exits.
if (folder !== undefined) flushCompileCache()
