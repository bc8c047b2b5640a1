// The entry of index.html.

import { App } from './app.js';

customElements.define('yeoul-app', App);
