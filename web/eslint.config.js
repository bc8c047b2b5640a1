import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import ts from 'typescript-eslint';

const NODE = ['process', 'console', 'URL', 'Buffer', 'setTimeout', 'clearTimeout', 'fetch'];
const BROWSER = [
  'document',
  'window',
  'performance',
  'setInterval',
  'AudioContext',
  'HTMLVideoElement',
  'MediaStream',
  'RTCPeerConnection',
  'RTCRtpReceiver',
  'RTCRtpSender',
];
const readonly = (names) => Object.fromEntries(names.map((name) => [name, 'readonly']));

export default defineConfig([
  globalIgnores(['dist']),
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [ts.configs.strictTypeChecked, ts.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  {
    // Node programs whose callbacks for `page.evaluate` run in the browser.
    files: ['bench/**/*.mjs', 'e2e/**/*.mjs'],
    languageOptions: { globals: readonly([...NODE, ...BROWSER]) },
  },
]);
