import t from 'tap'
import { contained } from './hostile-tasks.ts'

contained(t, 'process', { of: 7, calls: 7 })
