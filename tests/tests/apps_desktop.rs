//! What a desktop is put together from: background, bar, launcher and notifications, as a distribution
//! has them. Each test looks at the screen.
//!
//! `cargo xtask test --part apps` runs them.

use syncline_tests::apps::{Desk, SCREEN, changed, count, size};
use syncline_tests::image::{Area, Colour, HEIGHT, WIDTH};
use syncline_tests::uinput::code;

const TILING: &str = "[desktop]\nlayout = \"tiling\"";
const BLUE: Colour = [0x33, 0x66, 0x99];
const RED: Colour = [0xcc, 0x22, 0x00];

#[test]
#[ignore = "apps"]
fn swaybg_gives_the_background_its_colour() {
    let desk = Desk::new(TILING).unwrap();
    let swaybg = desk.start(&["swaybg", "-c", "#336699"]).unwrap();
    desk.is_filled("the background of swaybg", SCREEN, BLUE).unwrap();
    drop(swaybg);
    desk.shows("no background of swaybg", |picture| count(picture, SCREEN, BLUE) == 0).unwrap();
    desk.compositor.stop().unwrap();
}

const BAR: i32 = 30;
const WAYBAR: &str = r#"{
    "layer": "top", "position": "top", "height": 30,
    "modules-left": ["ext/workspaces"], "modules-right": ["wlr/taskbar"],
    "ext/workspaces": { "on-click": "activate" },
    "wlr/taskbar": { "format": "{app_id}", "on-click": "activate" }
}"#;
const STYLE: &str = r#"
* { font-family: "DejaVu Sans Mono"; font-size: 13px; border: none; border-radius: 0; min-height: 0;
    box-shadow: none; text-shadow: none; transition: none; }
window#waybar { background: #102030; color: #ffffff; }
#workspaces button { background: #336699; color: #ffffff; padding: 0 8px; }
#workspaces button.active { background: #cc2200; }
#taskbar button { background: #105010; color: #ffffff; padding: 0 8px; }
"#;
/// Where the bar has its workspaces, and where its windows.
const LEFT: Area = (0, 0, WIDTH / 2, BAR);
const RIGHT: Area = (WIDTH / 2, 0, WIDTH / 2, BAR);

#[test]
#[ignore = "apps"]
fn waybar_has_room_of_its_own_and_shows_workspaces_and_windows() {
    let desk = Desk::new(TILING).unwrap();
    let _foot = desk.start(&["foot"]).unwrap();
    desk.window_is("foot", SCREEN).unwrap();
    let (config, style) = (desk.file("bar/config", WAYBAR).unwrap(), desk.file("bar/style.css", STYLE).unwrap());
    let bar = desk.start_on_bus(&["waybar", "-c", &config, "-s", &style]).unwrap();
    let green = [0x10, 0x50, 0x10];
    let one = desk.shows("a workspace and a window on the bar", |picture| {
        count(picture, LEFT, RED) > 200 && count(picture, RIGHT, green) > 200
    });
    let one = one.unwrap();
    // The window has the rest.
    desk.window_is("foot", (0, BAR, WIDTH, HEIGHT - BAR)).unwrap();
    assert_eq!(count(&one, LEFT, BLUE), 0, "there is one workspace");
    // Another workspace: the first is another's colour, the second is where the first was not.
    desk.act("workspace 2").unwrap();
    let two = desk.shows("the second workspace on the bar", |picture| {
        count(picture, LEFT, BLUE) > 200 && count(picture, LEFT, RED) > 200
    });
    assert!(changed(&one, &two.unwrap(), LEFT) > 400);
    // Its button goes back.
    desk.pointer.click(8, BAR / 2).unwrap();
    desk.shows("the first workspace alone", |picture| {
        count(picture, LEFT, RED) > 200 && count(picture, LEFT, BLUE) == 0
    })
    .unwrap();
    drop(bar);
    desk.shows("no bar", |picture| count(picture, (0, 0, WIDTH, BAR), RED) == 0).unwrap();
    desk.window_is("foot", SCREEN).unwrap();
    desk.compositor.stop().unwrap();
}

const FUZZEL: &str = "font=DejaVu Sans Mono:size=10\nicons-enabled=no\n[border]\nwidth=0\nradius=0\n\
                      [colors]\nbackground=112244ff\ntext=ffffffff\nselection=882222ff\nselection-text=ffffffff\nmatch=ffffffff\n\
                      input=ffffffff\nprompt=ffffffff\n";
const BOX: Colour = [0x11, 0x22, 0x44];
const WHITE: Colour = [0xff; 3];

fn entry(desk: &Desk, name: &str) {
    let text = format!("[Desktop Entry]\nType=Application\nName={name}\nExec=foot --app-id={name}\n");
    desk.file(&format!(".local/share/applications/{name}.desktop"), &text).unwrap();
}

#[test]
#[ignore = "apps"]
fn fuzzel_takes_the_keyboard_and_starts_what_was_typed() {
    let desk = Desk::new(TILING).unwrap();
    ["aaa", "bbb", "ccc"].iter().for_each(|name| entry(&desk, name));
    let config = desk.file("fuzzel.ini", FUZZEL).unwrap();
    // A terminal has the keyboard before; nothing of what is typed may come there.
    let _foot = desk.start(&["foot", "-o", "font=DejaVu Sans Mono:size=10"]).unwrap();
    desk.window("foot").unwrap();
    let launch = || {
        let fuzzel = desk.start(&["fuzzel", "--config", &config]).unwrap();
        let picture = desk.shows("fuzzel", |picture| count(picture, SCREEN, BOX) > 10_000).unwrap();
        (fuzzel, picture)
    };
    let (mut fuzzel, all) = launch();
    desk.keyboard.text("bb").unwrap();
    // Nine letters were shown, and now there are three and what was typed.
    let middle = (WIDTH / 4, HEIGHT / 4, WIDTH / 2, HEIGHT / 2);
    let before = count(&all, middle, WHITE);
    desk.shows("one entry left", |picture| (1..before).contains(&count(picture, middle, WHITE))).unwrap();
    desk.keyboard.text("\n").unwrap();
    desk.window("bbb").unwrap();
    assert!(fuzzel.wait().unwrap().success());
    assert_eq!(desk.windows().unwrap().len(), 2, "nothing else was started");
    // Escape closes it, and the keyboard is where it was.
    let (mut fuzzel, _) = launch();
    desk.keyboard.chord(&[code::KEY_ESC]).unwrap();
    fuzzel.wait().unwrap();
    desk.shows("no fuzzel", |picture| count(picture, SCREEN, BOX) == 0).unwrap();
    desk.keyboard.text("exit\n").unwrap();
    desk.no_window("bbb").unwrap();
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "apps"]
fn mako_shows_a_notification_until_its_time_is_over() {
    let desk = Desk::new(TILING).unwrap();
    const VIOLET: Colour = [0xaa, 0x00, 0xaa];
    let config = "background-color=#aa00aaff\nborder-size=0\nwidth=300\nheight=100\nmargin=10\ndefault-timeout=4000\n";
    desk.file(".config/mako/config", config).unwrap();
    // The bus starts mako when it is first asked for.
    let script = "notify-send hello world && exec sleep 600";
    let bus = desk.start_on_bus(&["sh", "-c", script]).unwrap();
    let seen = desk.shows("a notification", |picture| count(picture, SCREEN, VIOLET) > 3000);
    let seen = seen.unwrap_or_else(|error| panic!("{error}: {}", bus.log()));
    let corner = (WIDTH - 310, 10, 300, 100);
    assert_eq!(count(&seen, SCREEN, VIOLET), count(&seen, corner, VIOLET), "it is in its corner");
    assert!(count(&seen, corner, VIOLET) < size(corner), "it has a text");
    desk.shows("no notification", |picture| count(picture, SCREEN, VIOLET) == 0).unwrap();
    desk.compositor.stop().unwrap();
}
