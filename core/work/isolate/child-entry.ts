import { enableCompileCache, flushCompileCache } from 'node:module'

// What executes a task is compiled once, not in each process.
const folder = process.argv[3]
if (folder !== undefined) enableCompileCache(folder)
await import('./child.ts')
// This process may be ended before it exits by itself.
if (folder !== undefined) flushCompileCache()
