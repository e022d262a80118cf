import type { Facts } from '../../../core/cli/doctor/facts.ts'

export const NOW = Date.UTC(2026, 5, 1, 12)

/** Facts of a machine on which nothing is wrong; each test changes one of them. */
export const WELL: Facts = {
  node: { version: 'v26.10.0', needed: 26 },
  clock: { now: NOW, synchronised: true, skewMs: 0, newest: NOW - 1000 },
  zone: { given: null, process: 'Europe/Rome', tasks: 'Europe/Rome' },
  disk: { folder: '/d', free: 5e10, total: 1e11, freeFiles: 1e6, totalFiles: 2e6, kind: 0xef53, reserve: 1e9 },
  permissions: {
    user: 'ann',
    folder: '/d',
    folderCode: null,
    directory: '/b',
    directoryCode: null,
    config: '/config.json',
    configCode: null,
    security: []
  },
  watches: { directory: '/b', code: null, watches: 8192, instances: 128, kind: 0xef53 },
  config: { file: '/config.json', exists: true, faults: [], overlay: null },
  tasks: {
    directory: '/b',
    count: 2,
    enabled: 2,
    scheduled: 2,
    faults: [],
    warnings: [],
    resting: [],
    siblings: []
  },
  ignored: [],
  server: {
    url: 'http://127.0.0.1:7420',
    answer: 'yes',
    named: false,
    pid: 7,
    alive: true,
    owner: null,
    used: true,
    port: null,
    configured: 7420,
    health: { status: 'ok', reasons: [] }
  },
  token: { file: '/d/token', state: 'fine', accepted: true, used: true, expired: [] },
  sensors: [],
  runs: { now: NOW, due: 0, oldestDue: null, lastStart: NOW - 1000, spanMs: 6 * 3_600_000, pauses: [] },
  process: { pid: 7, memory: 2e8, total: 8e9, files: 40, mostFiles: 1024 }
}
