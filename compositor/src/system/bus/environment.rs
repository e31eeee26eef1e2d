//! The environment of programs that others start in the session: D-Bus by activation, the user's service manager
//! as units.
//!
//! Both are told by D-Bus. A manager that is not there is no mistake: not every machine has systemd.

use zbus::blocking::Connection;

use crate::system::bus::shared::{Address, Shared, Variables, is_absent};

const MANAGER: &str = "org.freedesktop.systemd1";

/// Puts them there.
pub fn import(shared: &Shared, address: &Address, variables: &Variables) {
    let connection = match address.connect() {
        Ok(connection) => connection,
        Err(error) => {
            return shared
                .miss("the session bus", format!("{error}; programs that it starts would not find the session"));
        }
    };
    if let Err(error) = for_dbus(&connection, variables) {
        shared.miss("the environment of D-Bus", error);
    }
    let set: Vec<String> = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
    match manager(&connection, "SetEnvironment", &set) {
        Ok(()) => {}
        Err(error) if is_absent(&error) => tracing::info!("no user manager of systemd: nothing is started by it"),
        Err(error) => shared.miss("the environment of the user manager", error),
    }
}

/// Takes them out again, for the session that comes next. This waits, for a few seconds at most.
pub fn take_back(address: &Address, variables: &Variables) {
    let Ok(connection) = address.connect() else { return };
    let names: Vec<String> = variables.keys().cloned().collect();
    if let Err(error) = manager(&connection, "UnsetEnvironment", &names) {
        tracing::debug!("the environment of the user manager stays: {error}");
    }
    // D-Bus cannot forget a variable.
    let empty = names.into_iter().map(|name| (name, String::new())).collect();
    for_dbus(&connection, &empty).ok();
}

fn for_dbus(connection: &Connection, variables: &Variables) -> zbus::Result<()> {
    let bus = "org.freedesktop.DBus";
    let path = "/org/freedesktop/DBus";
    connection.call_method(Some(bus), path, Some(bus), "UpdateActivationEnvironment", &(variables,)).map(drop)
}

fn manager(connection: &Connection, method: &str, words: &[String]) -> zbus::Result<()> {
    let (path, interface) = ("/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager");
    connection.call_method(Some(MANAGER), path, Some(interface), method, &(words,)).map(drop)
}
