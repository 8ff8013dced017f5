import { describeProbe } from './probing.ts'

describeProbe('bubblewrap', { escape: [], leak: [], surface: [] })
