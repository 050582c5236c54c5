// Drives powermax-api under plain Node: node powermax_api_client.js FOLDER PORT
//
// Tells what the client sees as JSON lines, `event` first, and does what stdin says: arm, stay, disarm, quit.
"use strict";

const path = require("path");
const readline = require("readline");

const [folder, port] = process.argv.slice(2);

// It was written for a Homey hub, of which it asks the language.
global.Homey = { manager: () => ({ getLanguage: () => "en" }) };
const library = path.resolve(folder);
const PowerMax = require(path.join(library, "lib", "core.js"));
const { armMode } = require(path.join(library, "lib", "tables.js"));

const tell = (event, fields) => console.log(JSON.stringify({ event, ...fields }));

const debug = process.env.PEER_DEBUG ? (...words) => console.error(JSON.stringify(words)) : () => {};
const panel = new PowerMax(1, { ip: "127.0.0.1", port: Number(port), syncTime: false, motionTime: 1 }, debug);

panel.events.on("download", (state) => {
    const zones = Object.keys(panel.settings.zones).map(Number);
    if (state === "done") {
        tell("powerlink", { mode: panel.powerlinkMode, type: panel.settings.config.panelType, zones });
    } else if (state === "failed") {
        tell("download_failed", {});
    }
});
panel.events.on("zoneTrip", ({ zone, state }) => tell("zone", { zone, open: state }));
panel.events.on("system", (field, value) => {
    if (field === "status") {
        tell("status", { text: value.txt, armed: value.armed });
    }
});

const modes = { arm: armMode.Armed, stay: armMode.Stay, disarm: armMode.Disarmed };
readline.createInterface({ input: process.stdin }).on("line", (word) => {
    if (word in modes) {
        // The first user's code as the client read it out of the panel's memory.
        panel.sendMessage("MSG_ARM", { arm: [modes[word]], pin: panel.settings.config.userCode[0] });
    } else {
        process.exit(word === "quit" ? 0 : 1);
    }
});
