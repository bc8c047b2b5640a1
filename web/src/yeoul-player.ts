// The entry of dist/yeoul-player.js, for other people's pages: registers <yeoul-player>, whose server is the one that
// this module came from.

import { YeoulPlayer } from './player/element.js';

YeoulPlayer.defaultServer = new URL(/* @vite-ignore */ '.', import.meta.url).href;
// A page may load it twice, from two servers say: the first one stays.
if (!customElements.get('yeoul-player')) customElements.define('yeoul-player', YeoulPlayer);

export { YeoulPlayer };
export type { PlayerState, PlayerStateDetail } from './player/element.js';
